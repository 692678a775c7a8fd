"""`list`: every container of this root."""

from __future__ import annotations

from orlop.errors import InvalidArgument
from orlop.oci.jsonlite import dumps
from orlop.runtime.oci.output import show
from orlop.runtime.oci.state import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

_COLUMNS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")


def list_(command: Command) -> int:
    command.expect(0, 0)
    form = command.options.get("format") or "table"
    rows = [public(record) for record in command.store.all()]
    if command.options.get("quiet"):
        show("".join(f"{row['id']}\n" for row in rows))
    elif form == "json":
        show((dumps(rows) if rows else "null") + "\n")
    elif form == "table":
        show(_table(rows))
    else:
        raise InvalidArgument(f"invalid format option: {form}")
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [_COLUMNS, *(tuple(str(row[name.lower()]) for name in _COLUMNS) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
    lines = ("   ".join(cell.ljust(w) for cell, w in zip(line, widths)) for line in cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)
