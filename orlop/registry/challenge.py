"""`WWW-Authenticate` challenges.

Source: RFC 9110 section 11.6.1; distribution-spec token authentication.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)", re.ASCII)
_PARAMETER = re.compile(
    rf'\s*,?\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}(?:[/:=]{_TOKEN})*))',
    re.ASCII,
)
_MAX = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str  # lower case
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All challenges of all header lines, in order; what does not parse is skipped."""
    out: list[Challenge] = []
    for header in headers:
        out += _parse_one(header[:_MAX])
    return out


def _parse_one(text: str) -> list[Challenge]:
    out: list[Challenge] = []
    position = 0
    while position < len(text):
        found = _SCHEME.match(text, position)
        if found is None:
            break
        position = found.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(text, position)) is not None:
            name, quoted, bare = parameter.groups()
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            parameters[name.lower()] = value
            position = parameter.end()
        out.append(Challenge(found[1].lower(), MappingProxyType(parameters)))
        comma = re.compile(r"\s*,?\s*").match(text, position)
        position = comma.end() if comma is not None else position
    return out
