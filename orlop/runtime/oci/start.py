"""`start ID`: let a created container's program be executed."""

from __future__ import annotations

import errno
import os

from orlop.errors import Conflict
from orlop.oci.jsonlite import dumps
from orlop.runtime import hooks
from orlop.runtime.oci.remains import clear
from orlop.runtime.oci.state import public
from orlop.runtime.oci.store import CREATED, FIFO, RUNNING, STOPPED, Record
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command


def start(command: Command) -> int:
    record = command.locked()
    found = record.status()
    if found == STOPPED:
        raise Conflict("cannot start a container that has stopped")
    if found != CREATED:
        raise Conflict(f"cannot start a container in the {found} state")
    path = f"{record.path}/{FIFO}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise Conflict("cannot start an already dead container") from None
        raise
    os.unlink(path)
    os.write(fd, b"0")
    os.close(fd)
    started(command, record, record.config())
    return 0


def started(command: Command, record: Record, spec: dict[str, Any]) -> None:
    """The program runs, or soon does: note it, run the poststart hooks. Raises Failure."""
    record.state["status"] = RUNNING
    record.save()
    state = dumps(public(record, RUNNING)).encode()
    try:
        hooks.run((spec.get("hooks") or {}).get("poststart") or (), state, "poststart")
    except Failure:
        from orlop.runtime.oci.delete import end  # not needed by a start that goes well

        if record.alive():
            end(command, record, RUNNING)
        clear(command, record, spec)
        raise
