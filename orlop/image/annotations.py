"""`--annotation [type[,type][[platform]]:]key=value`: where each belongs. Pure.

Source: Docker, "docker buildx build --annotation".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.platform import Platform

TYPES = ("manifest", "index", "manifest-descriptor", "index-descriptor")
_KEY = re.compile(r"(?:([a-z,-]+)(?:\[([A-Za-z0-9_/-]+)\])?:)?(\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Annotation:
    kind: str
    platform: Platform | None
    key: str
    value: str


def parse(texts: Iterable[str]) -> list[Annotation]:
    """Raises InvalidArgument."""
    out = []
    for text in texts:
        key, equals, value = text.partition("=")
        match = _KEY.fullmatch(key)
        if not equals or match is None:
            raise InvalidArgument(f'invalid annotation "{text}", expected key=value')
        for kind in (match[1] or "manifest").split(","):
            if kind not in TYPES:
                raise InvalidArgument(f"unknown annotation type {kind}")
            where = platforms.parse(match[2]) if match[2] else None
            out.append(Annotation(kind, where, match[3], value))
    return out


def of(found: Iterable[Annotation], kind: str, platform: Platform | None = None) -> dict[str, str]:
    """Those of one kind that hold for a platform."""
    return {
        one.key: one.value
        for one in found
        if one.kind == kind and (one.platform is None or one.platform == platform)
    }
