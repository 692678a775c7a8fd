"""Go's `path.Match` globs: `*` and `?` never cross a slash, `[a-z]`, `[^a]`, `\\` escapes.

Source: Go `path` package documentation.
"""

from __future__ import annotations

import re
from functools import lru_cache

from orlop.errors import InvalidArgument


def glob_match(pattern: str, text: str) -> bool:
    """Raises InvalidArgument `syntax error in pattern`."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    out: list[str] = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        i += 1
        if char == "*":
            if not out or out[-1] != "[^/]*":  # `**` means `*`
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, i = _class(pattern, i)
            out.append(text)
        elif char == "\\":
            char, i = _escaped(pattern, i)
            out.append(re.escape(char))
        else:
            out.append(re.escape(char))
    return re.compile("".join(out), re.DOTALL)


def _class(pattern: str, i: int) -> tuple[str, int]:
    """The character class that starts behind `[`; returns (regular expression, next index)."""
    negated = pattern[i : i + 1] == "^"
    i += negated
    ranges: list[str] = []
    while True:
        if pattern[i : i + 1] == "]" and ranges:
            break
        low, i = _member(pattern, i)
        high = low
        if pattern[i : i + 1] == "-":
            high, i = _member(pattern, i + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")  # an empty range matches nothing
    members = "".join(ranges)
    if not members:
        return ("[^/]" if negated else r"(?!)"), i + 1
    return (f"(?![/])[^{members}]" if negated else f"[{members}]"), i + 1


def _member(pattern: str, i: int) -> tuple[str, int]:
    char = pattern[i : i + 1]
    if char in ("", "-", "]"):
        raise InvalidArgument("syntax error in pattern")
    if char == "\\":
        return _escaped(pattern, i + 1)
    return char, i + 1


def _escaped(pattern: str, i: int) -> tuple[str, int]:
    if i >= len(pattern):
        raise InvalidArgument("syntax error in pattern")
    return pattern[i], i + 1
