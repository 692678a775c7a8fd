"""Protocol Buffers' wire format, driven by tables: a message is a dict, a table says what is in it.

Pure. Source: protobuf.dev/programming-guides/encoding. Only what BuildKit's protocol has: varints,
length-delimited fields, maps; unknown fields are skipped, groups are an error. What is absent from
the wire is absent from the dict; what is zero or empty is not written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]
INT, UINT, BOOL, TEXT, BYTES = "int", "uint", "bool", "text", "bytes"
_SCALARS = (INT, UINT, BOOL)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MASK = (1 << 64) - 1


class Malformed(ValueError):
    """Bytes that are no message."""


class Field(NamedTuple):
    name: str
    kind: Any  # INT, …, a Table, or a Map
    many: bool = False


class Map(NamedTuple):
    key: Any
    value: Any


class Table:
    """`Table(path=(1, TEXT), sizes=(2, [INT]), labels=(3, Map(TEXT, TEXT)))`; `[…]`: repeated."""

    __slots__ = ("by_name", "by_number", "quick")

    def __init__(self, **fields: tuple[int, Any]) -> None:
        self.by_number: dict[int, Field] = {}
        self.by_name: dict[str, tuple[int, Field]] = {}
        self.quick: dict[int, tuple[str, str]] = {}  # by tag, of fields that come once
        for name, (number, kind) in fields.items():
            many = isinstance(kind, list)
            field = Field(name, kind[0] if many else kind, many)
            self.by_number[number] = field
            self.by_name[name] = number, field
            if not many and isinstance(kind, str) and kind != BOOL:
                wire = _VARINT if kind in _SCALARS else _BYTES
                self.quick[number << 3 | wire] = name, kind


# --- reading --------------------------------------------------------------------------------------


def decode(table: Table, data: bytes) -> Json:
    """Raises Malformed."""
    out: Json = {}
    quick, fields = table.quick, table.by_number
    for tag, value in _entries(data):
        plain = quick.get(tag)
        if plain is not None:  # most fields: one that needs no more than a look at its kind
            name, kind = plain
            if kind is TEXT:
                out[name] = value.decode("utf-8", "surrogateescape")
            elif kind is INT and value >> 63:
                out[name] = value - (1 << 64)
            else:
                out[name] = value
            continue
        field = fields.get(tag >> 3)
        if field is not None:
            _take(out, field, tag & 7, value)
    return out


def _entries(data: bytes) -> Iterator[tuple[int, Any]]:
    """(tag: field number << 3 | wire type, integer or bytes)."""
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        if tag < 128:
            at += 1
        else:
            tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(data, at)
            if size > end - at:
                raise Malformed("a field is longer than its message")
            yield tag, data[at : at + size]
            at += size
        elif kind == _VARINT:
            value, at = _varint(data, at)
            yield tag, value
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            if size > end - at:
                raise Malformed("a field is longer than its message")
            yield tag, int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            raise Malformed(f"wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    try:
        byte = data[at]
        if byte < 128:
            return byte, at + 1
        value, shift = byte & 127, 7
        while True:
            at += 1
            byte = data[at]
            value |= (byte & 127) << shift
            if byte < 128:
                return value & _MASK, at + 1
            shift += 7
            if shift > 63:
                raise Malformed("a number is longer than ten bytes")
    except IndexError:
        raise Malformed("a message ends within a number") from None


def _take(out: Json, field: Field, wire: int, value: Any) -> None:
    name, kind, many = field
    if isinstance(kind, Map):
        if wire != _BYTES:
            raise Malformed(f"{name}: wire type {wire}")
        key, item = _pair(kind, value)
        out.setdefault(name, {})[key] = item
        return
    if many and wire == _BYTES and kind in _SCALARS:
        at, found = 0, out.setdefault(name, [])
        while at < len(value):  # packed
            number, at = _varint(value, at)
            found.append(_scalar(kind, number))
        return
    if (wire == _BYTES) == (kind in _SCALARS):
        raise Malformed(f"{name}: wire type {wire}")
    got = _scalar(kind, value) if kind in _SCALARS else _value(kind, value)
    if many:
        out.setdefault(name, []).append(got)
    else:
        out[name] = got


def _pair(kind: Map, data: bytes) -> tuple[Any, Any]:
    found: Json = {}
    for tag, value in _entries(data):
        number, wire = tag >> 3, tag & 7
        if number in (1, 2):
            part = Field("key" if number == 1 else "value", kind[number - 1])
            _take(found, part, wire, value)
    return found.get("key", _empty(kind.key)), found.get("value", _empty(kind.value))


def _scalar(kind: str, value: int) -> int | bool:
    if kind == BOOL:
        return bool(value)
    if kind == INT and value >> 63:
        return value - (1 << 64)
    return value


def _value(kind: Any, data: bytes) -> Any:
    if kind == BYTES:
        return data
    if kind == TEXT:
        return data.decode("utf-8", "surrogateescape")
    return decode(kind, data)


def _empty(kind: Any) -> Any:
    return {INT: 0, UINT: 0, BOOL: False, TEXT: "", BYTES: b""}.get(
        kind if isinstance(kind, str) else "", {}
    )


# --- writing --------------------------------------------------------------------------------------


def encode(table: Table, value: Mapping[str, Any]) -> bytes:
    """Raises KeyError for a name that the table has not."""
    out = bytearray()
    for name, found in value.items():
        number, field = table.by_name[name]
        kind = field.kind
        if isinstance(kind, Map):
            for key, item in found.items():
                inner = bytearray()
                _put(inner, 1, kind.key, key)
                _put(inner, 2, kind.value, item)
                _put(out, number, BYTES, bytes(inner))
        elif field.many:
            for item in found:
                _put(out, number, kind, item)
        elif found or isinstance(kind, Table):
            _put(out, number, kind, found)
    return bytes(out)


def _put(out: bytearray, number: int, kind: Any, value: Any) -> None:
    if kind in _SCALARS:
        _number(out, number << 3)
        _number(out, int(value) & _MASK)
        return
    if kind == TEXT:
        data = value.encode("utf-8", "surrogateescape")
    elif kind == BYTES:
        data = value
    else:
        data = encode(kind, value)
    _number(out, number << 3 | _BYTES)
    _number(out, len(data))
    out += data


def _number(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
