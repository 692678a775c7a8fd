"""`delete ID`, `delete --force`: what is left of a container."""

from __future__ import annotations

import os
import select

from orlop.errors import Conflict, NotFound, OrlopError
from orlop.runtime.cgroup import control
from orlop.runtime.oci.command import Command
from orlop.runtime.oci.kill import to_all, to_first
from orlop.runtime.oci.remains import clear
from orlop.runtime.oci.signals import KILL
from orlop.runtime.oci.store import CREATED, PAUSED, STOPPED, Record

_PATIENCE = 10_000  # ms until a killed process must be gone


def delete(command: Command) -> int:
    force = bool(command.options.get("force"))
    if command.options.get("regex"):
        import re

        command.expect(1)
        pattern = re.compile(command.words[0])
        for record in command.store.all():
            if pattern.search(record.id):
                _delete(command, record.lock(), force)
        return 0
    command.expect(1, 1 << 16)
    for id in command.words:
        _one(command, id, force)
    return 0


def _one(command: Command, id: str, force: bool) -> None:
    try:
        record = command.store.get(id).lock()
        record.load()
    except NotFound:
        path = command.store.path(id)
        if os.path.isdir(path):  # a creation that was killed before it wrote a state
            record = Record(id, path, {}).lock()
            record.remove()
            return
        if force:
            return
        raise
    _delete(command, record, force)


def _delete(command: Command, record: Record, force: bool) -> None:
    found = record.status()
    if found != STOPPED:
        if not force and found != CREATED:
            raise Conflict(f"cannot delete container {record.id} that is not stopped: {found}")
        end(command, record, found)
    clear(command, record, record.config())


def end(command: Command, record: Record, found: str) -> None:
    """SIGKILL, and wait until it worked. Raises OrlopError."""
    fd = record.open_process()
    try:
        to_first(record, KILL)
        if record.own["shared_pids"]:
            to_all(command, record, KILL)
        if found == PAUSED:
            control.freeze(command.layout(), record.own["cgroup"], frozen=False)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(_PATIENCE):
            raise OrlopError(f"container {record.id} is still running after SIGKILL")
    except Conflict:
        pass  # it ended by itself
    finally:
        os.close(fd)
