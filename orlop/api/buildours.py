"""`X-Orlop-Build`: what orlop's own CLI asks of a build that the classic API has no place for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from orlop.api.call import Call
from orlop.errors import InvalidArgument
from orlop.registry.credentials import decode_header

Json = dict[str, Any]
HEADER = "x-orlop-build"
PART = "part:"  # a named context that lies in a folder of the archive


@dataclass(frozen=True, slots=True)
class Ours:
    events: bool = False  # BuildKit's status documents, not the classic messages
    explain: bool = False
    verify: bool = False
    check: bool = False
    insecure: bool = False  # `RUN --security=insecure` is allowed
    secrets: dict[str, bytes] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)  # id → the agent's socket
    no_cache: tuple[str, ...] = ()  # stages
    contexts: dict[str, str] = field(default_factory=dict)  # name → `part:folder` or a URL
    offered: str = ""  # the context of which the body has what was awaited (`offer`)


def ours(call: Call) -> Ours:
    """Raises InvalidArgument that names the field."""
    try:
        found = decode_header(call.header(HEADER))
    except InvalidArgument:
        raise InvalidArgument(f"invalid {HEADER} header") from None
    return Ours(
        _flag(found, "events"),
        _flag(found, "explain"),
        _flag(found, "verify"),
        _flag(found, "check"),
        _flag(found, "insecure"),
        secrets={k: _bytes(k, v) for k, v in _texts(found, "secrets").items()},
        agents=_texts(found, "ssh"),
        no_cache=tuple(text.lower() for text in _list(found, "noCacheFilter")),
        contexts=_texts(found, "contexts"),
        offered=_text(found, "offered"),
    )


def _flag(found: Json, name: str) -> bool:
    value = found.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "a boolean")
    return bool(value)


def _text(found: Json, name: str) -> str:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "a string")
    return value or ""


def _list(found: Json, name: str) -> list[str]:
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _wrong(name, "a list of strings")
    return value


def _texts(found: Json, name: str) -> dict[str, str]:
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise _wrong(name, "an object of strings")
    return value


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(f"secrets.{name}", "base64") from None


def _wrong(name: str, what: str) -> InvalidArgument:
    return InvalidArgument(f"invalid {HEADER} header: {name} must be {what}")
