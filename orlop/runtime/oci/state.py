"""`state ID`: what the OCI says about a container."""

from __future__ import annotations

from orlop.runtime.oci.output import show
from orlop.runtime.oci.pretty import pretty
from orlop.runtime.oci.store import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command
    from orlop.runtime.oci.store import Record


def state(command: Command) -> int:
    show(pretty(public(command.record())) + "\n")
    return 0


def public(record: Record, status: str = "") -> dict[str, Any]:
    """The state as runc prints it and as hooks read it."""
    status = status or record.status()
    out = {name: value for name, value in record.state.items() if name != "orlop"}
    out["status"] = status
    if status == STOPPED:
        out["pid"] = 0
    return out
