"""`layers show`: the projection of a union mount as a tree."""

from orlop.cli.options import Options
from orlop.cli.ours import rows
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORT = 19  # sha256: and 12 digits
_LIMIT = 200


def show(session: Session, options: Options) -> None:
    limit = int(options.text("limit") or _LIMIT)  # 0 shows all
    full = options.flag("no-trunc")
    found = rows(session, f"/orlop/layers/{quote(options.args[0], b'/:@')}")
    head = next(found)
    for layer in head["Layers"]:
        name = layer["Name"] if full else layer["Name"][:_SHORT]
        out(f"[{layer['Number']}] {name}\n")
    out("\n")
    for shown, row in enumerate(found):
        if limit and shown >= limit:
            out("... (more; --limit 0 shows all)\n")
            break
        out(_line(row) + "\n")


def _line(row: "dict[str, Any]") -> str:
    path: str = row["Path"]
    depth = path.count("/") - 1
    name = path.rpartition("/")[2] + ("/" if row["Type"] == "d" else "")
    text = f"[{row['Layer']}] {'  ' * depth}{name}"
    if row["Deleted"]:
        text += "  (deleted)"
    if row["Hides"]:
        text += "  hides " + " ".join(f"[{n}]" for n in row["Hides"])
    return text
