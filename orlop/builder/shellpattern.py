"""Shell patterns (`*`, `?`, `\\` escapes) of `${name#pattern}`, `${name%pattern}`, `${name/p/r}`.

Pure. Source: Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

from orlop.errors import InvalidArgument
from orlop.oci.wildcard import ONE, STAR, Token, ends

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


def _tokens(pattern: str) -> list[Token]:
    try:
        to_regex(pattern, greedy=True, anchored=True)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"invalid pattern ({pattern}) in substitution: {error.message}"
        ) from None
    out: list[Token] = []
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            out.append(STAR)
        elif char == "?":
            out.append(ONE)
        else:
            out.append(next(chars) if char == "\\" else char)
    return out


def trim_prefix(pattern: str, value: str, greedy: bool) -> str:
    """`value` without the longest or shortest beginning that matches."""
    found = ends(_tokens(pattern), value)
    end = max(found, default=0) if greedy else next(found, 0)
    return value[end:]


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
    """The first match, or every one, the longest at its place."""
    tokens = _tokens(pattern)
    out: list[str] = []
    at = 0
    while at <= len(value):
        end = max(ends(tokens, value, at), default=-1)
        if end < 0:
            out.append(value[at : at + 1])
            at += 1
            continue
        out.append(replacement)
        if not every:
            return "".join(out) + value[end:]
        if end == at:  # an empty match: the next character stays
            out.append(value[at : at + 1])
            end += 1
        at = end
    return "".join(out)
