"""The functions of a template: Go's own and those of the Docker CLI."""

from __future__ import annotations

from orlop.template.gojson import encode
from orlop.template.printf import sprint, sprintf, sprintln
from orlop.template.values import (
    NilPointer,
    Struct,
    TypedMap,
    kind,
    print_value,
    truth,
    type_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CallError(Exception):
    """What a function says; the executor adds where."""


def _index(value: Any, *keys: Any) -> Any:
    if value is None:
        raise CallError("index of untyped nil")
    for key in keys:
        if isinstance(value, list | tuple | str):
            if isinstance(key, bool) or not isinstance(key, int):
                raise CallError(
                    "cannot index slice/array with nil"
                    if key is None
                    else f"cannot index slice/array with type {type_name(key)}"
                )
            if key == len(value):  # Go's own check lets it pass, and reflect panics
                kind = "string" if isinstance(value, str) else "slice"
                raise CallError(f"reflect: {kind} index out of range")
            if not 0 <= key < len(value):
                raise CallError(f"index out of range: {key}")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        elif isinstance(value, dict):
            if not isinstance(key, str):
                raise CallError(f"value has type {type_name(key)}; should be string")
            value = value.get(key, value.zero if isinstance(value, TypedMap) else None)
        elif isinstance(value, NilPointer):
            raise CallError("index of nil pointer")
        else:
            raise CallError(f"can't index item of type {type_name(value)}")
    return value


def _slice(value: Any, *bounds: Any) -> Any:
    if value is None:
        raise CallError("slice of untyped nil")
    if len(bounds) > 3:
        raise CallError(f"too many slice indexes: {len(bounds)}")
    if isinstance(value, str):
        if len(bounds) == 3:
            raise CallError("cannot 3-index slice a string")
    elif not isinstance(value, list | tuple):
        raise CallError(f"can't slice item of type {type_name(value)}")
    size = limit = len(value)
    if size and not isinstance(value, str):
        # Go checks against the capacity, which doubles while JSON is read
        limit = 1 << (size - 1).bit_length()
    found = [0, size, limit]
    for at, bound in enumerate(bounds):
        if isinstance(bound, bool) or not isinstance(bound, int):
            raise CallError(f"cannot index slice/array with type {type_name(bound)}")
        if not 0 <= bound <= limit:
            raise CallError(f"index out of range: {bound}")
        found[at] = bound
    low, high, most = found
    if low > high:
        raise CallError(f"invalid slice index: {low} > {high}")
    if len(bounds) == 3 and high > most:
        raise CallError(f"invalid slice index: {high} > {most}")
    return value[low:high] if high <= size else [*value, *[None] * (high - size)][low:high]


def _len(value: Any) -> int:
    if value is None:
        raise CallError("len of untyped nil")
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, list | tuple | dict):
        return len(value)
    if isinstance(value, NilPointer):
        raise CallError("len of nil pointer")
    raise CallError(f"len of type {type_name(value)}")


def _basic(value: Any) -> str:
    found = kind(value)
    if not found and value is not None and not isinstance(value, NilPointer):
        raise CallError("invalid type for comparison")
    return found


def _not_comparable(value: Any) -> CallError:
    return CallError(f"non-comparable type {print_value(value)}: {type_name(value)}")


def _same(left: Any, right: Any) -> bool:
    absent = (None,)
    if (
        left in absent
        or right in absent
        or isinstance(left, NilPointer)
        or isinstance(right, NilPointer)
    ):

        def gone(v: Any) -> bool:
            return v is None or isinstance(v, NilPointer)

        return gone(left) and gone(right)
    if isinstance(left, dict | list | tuple):
        raise _not_comparable(left)
    if isinstance(right, dict | list | tuple):
        raise _not_comparable(right)
    if isinstance(left, Struct) or isinstance(right, Struct):
        return left is right
    if kind(left) != kind(right):
        raise CallError("incompatible types for comparison")
    return bool(left == right)


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise CallError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _ne(left: Any, right: Any) -> bool:
    return not _same(left, right)


def _lt(left: Any, right: Any) -> bool:
    first, second = _basic(left), _basic(right)
    if not first or not second or first in ("bool", "complex"):
        if first != second:
            raise CallError("incompatible types for comparison")
        raise CallError("invalid type for comparison")
    if first != second:
        raise CallError("incompatible types for comparison")
    return bool(left < right)


def _le(left: Any, right: Any) -> bool:
    return _lt(left, right) or _same(left, right)


def _gt(left: Any, right: Any) -> bool:
    return not _le(left, right)


def _ge(left: Any, right: Any) -> bool:
    return not _lt(left, right)


def _html(*values: Any) -> str:
    text = _joined(values)
    for char, entity in (("&", "&amp;"), ("'", "&#39;"), ('"', "&#34;"), ("<", "&lt;"),
                         (">", "&gt;"), ("\0", "\ufffd")):  # fmt: skip
        text = text.replace(char, entity)
    return text


def _js(*values: Any) -> str:
    out = []
    for char in _joined(values):
        if char in "\\'\"":
            out.append("\\" + char)
        elif char in "<>&=":
            out.append(f"\\u{ord(char):04X}")
        elif char.isprintable():
            out.append(char)
        else:
            out.append(f"\\u{ord(char):04X}")
    return "".join(out)


def _urlquery(*values: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(_joined(values), safe="")


def _joined(values: tuple[Any, ...]) -> str:
    return values[0] if len(values) == 1 and isinstance(values[0], str) else sprint(list(values))


def _json(value: Any) -> str:
    return encode(value)


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _join(value: Any, separator: str) -> str:
    if isinstance(value, dict):
        value = [value[k] for k in sorted(value)]
    if not isinstance(value, list | tuple):
        raise CallError(f"expected slice, got {type_name(value)}")
    return separator.join(v if isinstance(v, str) else print_value(v) for v in value)


def _title(text: str) -> str:
    out, before = [], " "
    for char in text:
        starts = not (before.isalnum() or before in "_'")
        out.append(char.upper() if starts else char)
        before = char
    return "".join(out)


def _pad(text: str, before: int, after: int) -> str:
    return " " * before + text + " " * after if text else text


def _truncate(text: str, size: int) -> str:
    return text if len(text) < size else text[:size]


# name: (function, kinds of the parameters; "…" repeats the last, "any" takes all)
FUNCTIONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "print": (lambda *v: sprint(list(v)), ("any", "…")),
    "println": (lambda *v: sprintln(list(v)), ("any", "…")),
    "printf": (lambda f, *v: sprintf(f, list(v)), ("string", "any", "…")),
    "index": (_index, ("any", "any", "…")),
    "slice": (_slice, ("any", "any", "…")),
    "len": (_len, ("any",)),
    "not": (lambda v: not truth(v), ("any",)),
    "eq": (_eq, ("any", "any", "…")),
    "ne": (_ne, ("any", "any")),
    "lt": (_lt, ("any", "any")),
    "le": (_le, ("any", "any")),
    "gt": (_gt, ("any", "any")),
    "ge": (_ge, ("any", "any")),
    "html": (_html, ("any", "…")),
    "js": (_js, ("any", "…")),
    "urlquery": (_urlquery, ("any", "…")),
    "call": (lambda f, *v: f(*v), ("any", "any", "…")),
    "and": (None, ("any", "any", "…")),  # these two stop early: the executor has them
    "or": (None, ("any", "any", "…")),
    "json": (_json, ("any",)),
    "split": (_split, ("string", "string")),
    "join": (_join, ("any", "string")),
    "title": (_title, ("string",)),
    "lower": (lambda t: t.lower(), ("string",)),
    "upper": (lambda t: t.upper(), ("string",)),
    "pad": (_pad, ("string", "int", "int")),
    "truncate": (_truncate, ("string", "int")),
}
