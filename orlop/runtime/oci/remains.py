"""What a container leaves behind: its cgroups, its poststop hooks, its state directory."""

from __future__ import annotations

import os

from orlop.oci.jsonlite import dumps
from orlop.runtime import hooks
from orlop.runtime.cgroup import control
from orlop.runtime.oci.state import public
from orlop.runtime.oci.store import STOPPED, Record
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command


def abandon(record: Record) -> None:
    """Its cgroups are not ours to kill in: remove those that a broken creation left empty."""
    own = record.state.get("orlop") or {}
    for directory in own.get("cgroups") or ():
        try:
            os.rmdir(directory)
        except OSError:
            pass
    own["cgroup"] = ""


def clear(command: Command, record: Record, spec: dict[str, Any] | None) -> None:
    """All of a container whose first process is dead. Errors of hooks are told, not fatal."""
    if not os.path.isdir(record.path):
        return  # a delete came first
    own = record.state.get("orlop") or {}
    if own.get("cgroup") and own["cgroup_manager"] != "disabled":
        layout = command.layout()
        control.kill(layout, own["cgroup"])
        control.remove(layout, own["cgroup"])
    state = dumps(public(record, STOPPED)).encode() if own else b"{}"
    record.remove()
    for hook in ((spec or {}).get("hooks") or {}).get("poststop") or ():
        try:
            hooks.run([hook], state, "poststop")
        except Failure as error:
            command.log.warning(error.frame[3])
