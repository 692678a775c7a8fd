"""JSON that can be read in one way only.

A document named by a digest must not mean two things to two readers: duplicate keys, trailing
bytes, a byte order mark, NaN, numbers beyond 64 bits and absurd nesting are refused.
"""

from __future__ import annotations

import json
from typing import Any

from orlop.errors import InvalidArgument

_MAX_DEPTH = 64


def loads_object(data: bytes, *, what: str) -> dict[str, Any]:
    """The object in `data`. Raises InvalidArgument naming `what`."""
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_int=_integer,
        )
    except InvalidArgument as error:
        raise InvalidArgument(f"{what}: {error.message}") from None
    except RecursionError:
        raise InvalidArgument(f"{what}: nested too deeply") from None
    except ValueError as error:
        raise InvalidArgument(f"{what}: invalid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidArgument(f"{what}: not a JSON object")
    _check_depth(value, what)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise InvalidArgument("duplicate keys")
    return out


def _constant(text: str) -> Any:
    raise InvalidArgument(f"invalid number {text}")


def _integer(text: str) -> int:
    if len(text) > 20:
        raise InvalidArgument("number out of range")
    value = int(text)
    if not -(1 << 63) <= value < 1 << 63:
        raise InvalidArgument("number out of range")
    return value


def _check_depth(value: Any, what: str) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise InvalidArgument(f"{what}: nested too deeply")
