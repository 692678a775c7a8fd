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
    pieces: list[list[str]] = [[]]  # between stars
    i = 0
    while i < len(pattern):
        char = pattern[i]
        i += 1
        if char == "*":
            if pieces[-1] or len(pieces) == 1:  # `**` means `*`
                pieces.append([])
        elif char == "?":
            pieces[-1].append("[^/]")
        elif char == "[":
            text, i = _class(pattern, i)
            pieces[-1].append(text)
        elif char == "\\":
            char, i = _escaped(pattern, i)
            pieces[-1].append(re.escape(char))
        else:
            pieces[-1].append(re.escape(char))
    first, *rest = ("".join(piece) for piece in pieces)
    # The first place where a piece fits is as good as any later one, so nothing is tried twice:
    # without the atomic groups a few stars take forever.
    middle = "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1])
    last = f"[^/]*{rest[-1]}" if rest else ""
    return re.compile(first + middle + last, re.DOTALL)


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
