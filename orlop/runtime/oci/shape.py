"""Hold a decoded JSON document to a shape of `schema`, naming the field that is wrong. Pure."""

from __future__ import annotations

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RANGES = {
    "i": (-(1 << 63), (1 << 63) - 1, "an integer"),
    "u16": (0, (1 << 16) - 1, "an integer from 0 to 65535"),
    "u32": (0, (1 << 32) - 1, "an integer from 0 to 4294967295"),
    "u64": (0, (1 << 64) - 1, "an integer that is not negative"),
}


def shaped(value: Any, kind: Any, where: str = "") -> Any:
    """`value` without its nulls and with the fields `kind` knows. Raises InvalidArgument."""
    if isinstance(kind, dict):
        return _object(value, kind, where)
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise _wrong(where, "a list")
        return [shaped(one, kind[0], f"{where}[{i}]") for i, one in enumerate(value)]
    if kind == "s":
        if not isinstance(value, str):
            raise _wrong(where, "a string")
        if "\0" in value:
            raise _wrong(where, "a string without NUL")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong(where, "valid UTF-8") from None
    elif kind == "b":
        if not isinstance(value, bool):
            raise _wrong(where, "true or false")
    elif kind in _RANGES:
        low, high, told = _RANGES[kind]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(where, told)
    return value


def _object(value: Any, kind: dict[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object")
    prefix = f"{where}." if where else ""
    if "*" in kind:
        inner = kind["*"]
        return {
            shaped(name, "s", where): shaped(one, inner, f"{prefix}{name}")
            for name, one in value.items()
            if one is not None
        }
    out = {}
    for name, inner in kind.items():
        plain = name.rstrip("!")
        found = value.get(plain)
        if found is not None:
            out[plain] = shaped(found, inner, prefix + plain)
        elif plain is not name and name != plain:
            raise InvalidArgument(f"{prefix}{plain} is required")
    return out


def _wrong(where: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{where or 'the document'} must be {wanted}")
