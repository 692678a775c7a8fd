"""JSON values to the fields of a shape, as Go's encoding/json reads them into Docker's structs.

Field names match whatever their case, unknown ones are ignored, null is absent. What has the wrong
type is refused with Go's sentence, which names the field by its path and the type by Docker's name
(recorded from dockerd 28.5).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import inspect

from orlop.api import gotypes

Path = tuple[str, ...]
Read = Callable[[Any, Path], Any]


class WrongType(ValueError):
    """`args`: the value, the path to it, Go's name of the wanted type, the number's own text?"""

    def __init__(self, value: Any, path: Path, wanted: str, *, number: bool = False) -> None:
        super().__init__()
        self.value, self.path, self.wanted, self.number = value, path, wanted, number


@cache
def reader(shape: type) -> Read:
    """The function that reads a document of `shape`. Raises WrongType."""
    return _reader(inspect.type_info(shape), gotypes.root(shape), ("",))


def explain(error: WrongType, data: bytes, shape: type) -> str:
    """Go's sentence for it."""
    kind = _kind(error.value)
    if error.number and kind == "number":
        kind = f"number {_literal(data, error.path)}"
    if not error.path or error.wanted == gotypes.WORD:
        wanted = error.wanted.removesuffix("?")
        return f"json: cannot unmarshal {kind} into Go value of type {wanted}"
    steps = [s.replace("~", "~0").replace("/", "~1").removeprefix("\0") for s in error.path]
    where = gotypes.prefix(shape) + "." + ".".join(steps)
    what = "" if error.path[-1].startswith("\0") else "Go struct field "
    return f"json: cannot unmarshal {kind} into {what}{where} of type {error.wanted}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "number"


def _literal(data: bytes, path: Path) -> str:
    """The number at `path` as the client wrote it."""
    value: Any = json.loads(data, parse_int=str, parse_float=str)
    for step in path:
        value = value[int(step[1:])] if step.startswith("\0") else value[step]
    return str(value)[:100]


def _reader(info: Any, go: str, name: Path) -> Read:
    """`go`: Go's name of the type; `name`: field names down to here, for the names below it."""
    if isinstance(info, inspect.UnionType):
        members = [t for t in info.types if not isinstance(t, inspect.NoneType)]
        if len(members) > 1:
            return _words
        return _reader(members[0], go, name)
    if isinstance(info, inspect.StructType):
        return _struct(info, go)
    if isinstance(info, inspect.ListType):
        item = gotypes.item(go)
        return _list(_reader(info.item_type, item, name), go, _zero(info.item_type))
    if isinstance(info, inspect.DictType):
        return _map(info, go, name)
    if isinstance(info, inspect.IntType):
        low, high = gotypes.RANGES[go]
        return _integer(go, low, high)
    if isinstance(info, inspect.AnyType):
        return lambda value, path: value
    return _plain(bool if isinstance(info, inspect.BoolType) else str, go)


def _zero(info: Any) -> Any:
    """What null among the items of a list stands for."""
    if isinstance(info, inspect.StructType):
        return {}
    return [] if isinstance(info, inspect.ListType) else ""


def _plain(kind: type, go: str) -> Read:
    def read(value: Any, path: Path) -> Any:
        if type(value) is not kind:
            raise WrongType(value, path, go)
        return value

    return read


def _integer(go: str, low: int, high: int) -> Read:
    def read(value: Any, path: Path) -> int:
        if type(value) is not int or not low <= value <= high:
            raise WrongType(value, path, go, number=True)
        return value

    return read


def _words(value: Any, path: Path) -> Any:
    """A list of words, or one."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise WrongType(value, path, gotypes.WORD)
    for item in value:
        if item is not None and not isinstance(item, str):
            raise WrongType(value, path, gotypes.WORD)
    return [item or "" for item in value]


def _list(item: Read, go: str, zero: Any) -> Read:
    def read(value: Any, path: Path) -> list[Any]:
        if not isinstance(value, list):
            raise WrongType(value, path, go)
        return [
            zero if found is None else item(found, (*path, f"\0{number}"))
            for number, found in enumerate(value)
        ]

    return read


def _map(info: Any, go: str, name: Path) -> Read:
    item = _reader(info.value_type, gotypes.value(go), name)
    nullable = isinstance(info.value_type, inspect.UnionType)

    def read(value: Any, path: Path) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongType(value, path, go)
        out: dict[str, Any] = {}
        for key, found in value.items():
            if found is None:
                out[key] = None if nullable else ""
            else:
                out[key] = item(found, (*path, key))
        return out

    return read


def _struct(info: Any, go: str) -> Read:
    fields = {}
    for field in info.fields:
        kind = gotypes.field(info.cls, field.encode_name, field.type)
        fields[field.encode_name] = _reader(field.type, kind, (field.encode_name,))
    folded = {name.lower(): name for name in fields}

    def read(value: Any, path: Path) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongType(value, path, go)
        out = {}
        for key, found in value.items():
            name = key if key in fields else folded.get(key.lower())
            if name is not None and found is not None:
                out[name] = fields[name](found, (*path, key))
        return out

    return read
