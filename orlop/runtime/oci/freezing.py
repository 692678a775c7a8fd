"""`pause ID` and `resume ID`."""

from __future__ import annotations

from orlop.errors import Conflict
from orlop.runtime.cgroup import control
from orlop.runtime.oci.store import CREATED, PAUSED, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.runtime.oci.command import Command


def pause(command: Command) -> int:
    record = command.locked()
    found = record.status()
    if found not in (RUNNING, CREATED):
        raise Conflict(f"container not running: {found}")
    control.freeze(command.layout(), record.own["cgroup"], frozen=True)
    record.state["status"] = PAUSED
    record.save()
    return 0


def resume(command: Command) -> int:
    record = command.locked()
    if record.status() != PAUSED:
        raise Conflict("container not paused")
    control.freeze(command.layout(), record.own["cgroup"], frozen=False)
    record.state["status"] = RUNNING
    record.save()
    return 0
