"""Shell patterns (`*`, `?`, `\\` escapes) of `${name#pattern}`, `${name%pattern}`, `${name/p/r}`.

Pure. Source: Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import re

from orlop.errors import InvalidArgument

_ESCAPED = "[]{}.+()|^$"


def to_regex(pattern: str, *, greedy: bool, anchored: bool) -> str:
    """The regular expression of a shell pattern. Raises InvalidArgument."""
    out = ["^"] if anchored else []
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            out.append(".*" if greedy else ".*?")
        elif char == "?":
            out.append(".")
        elif char in _ESCAPED:
            out.append(f"\\{char}")
        elif char == "\\":
            following = next(chars, "")
            if following in ("*", "?", "\\", "}"):
                out.append(f"\\{following}")
            elif following == "/":
                out.append("/")
            else:
                raise InvalidArgument(f"invalid escape '\\{following}'")
        else:
            out.append(char)
    return "".join(out)


def _compile(pattern: str, *, greedy: bool, anchored: bool) -> re.Pattern[str]:
    try:
        return re.compile(to_regex(pattern, greedy=greedy, anchored=anchored))
    except (InvalidArgument, re.error) as error:
        raise InvalidArgument(f"invalid pattern ({pattern}) in substitution: {error}") from None


def trim_prefix(pattern: str, value: str, greedy: bool) -> str:
    found = _compile(pattern, greedy=greedy, anchored=True).match(value)
    return value[found.end() :] if found else value


def trim_suffix(pattern: str, value: str, greedy: bool) -> str:
    """By reversing both: the shortest or longest match then is a prefix."""
    return trim_prefix(reverse(pattern), value[::-1], greedy)[::-1]


def reverse(pattern: str) -> str:
    """The pattern of reversed texts: escapes stay in front of what they escape."""
    out: list[str] = []
    chars = iter(pattern)
    for char in chars:
        out.append(char + next(chars, "") if char == "\\" else char)
    return "".join(reversed(out))


def replace(pattern: str, replacement: str, value: str, every: bool) -> str:
    regex = _compile(pattern, greedy=True, anchored=False)
    return regex.sub(lambda _: replacement, value, count=0 if every else 1)
