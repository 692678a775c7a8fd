"""`checkpoint`: the daemon says whether this host can (it needs CRIU)."""

from orlop.cli.listing import Row, show
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.client.transport import query, quote


class Checkpoint(Row):
    TYPE = "*formatter.checkpointContext"
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def Name(self) -> str:
        return self.name


def create(session: Session, options: Options) -> None:
    container, name = options.args
    body = {
        "CheckpointID": name,
        "CheckpointDir": options.text("checkpoint-dir"),
        "Exit": not options.flag("leave-running"),
    }
    session.client.call("POST", f"/containers/{quote(container)}/checkpoints", body)
    out(f"{name}\n")


def ls(session: Session, options: Options) -> None:
    tail = query({"dir": options.text("checkpoint-dir")})
    found = session.client.call("GET", f"/containers/{quote(options.args[0])}/checkpoints{tail}")
    rows = [Checkpoint(str(entry["Name"])) for entry in found or ()]
    show(rows, {"Name": "CHECKPOINT NAME"}, ("Name",), "")


def rm(session: Session, options: Options) -> None:
    container, name = options.args
    tail = query({"dir": options.text("checkpoint-dir")})
    path = f"/containers/{quote(container)}/checkpoints/{quote(name)}{tail}"
    session.client.call("DELETE", path)
