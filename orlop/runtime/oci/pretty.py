"""JSON as Go's MarshalIndent writes it: two blanks a level, fields in the order given. Pure."""

from __future__ import annotations

from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pretty(value: Any, indent: str = "  ", level: int = 0) -> str:
    before, after = "\n" + indent * (level + 1), "\n" + indent * level
    if isinstance(value, dict) and value:
        rows = (f"{dumps(name)}: {pretty(one, indent, level + 1)}" for name, one in value.items())
        return "{" + before + ("," + before).join(rows) + after + "}"
    if isinstance(value, list) and value:
        rows = (pretty(one, indent, level + 1) for one in value)
        return "[" + before + ("," + before).join(rows) + after + "]"
    return dumps(value)
