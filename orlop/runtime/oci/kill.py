"""`kill ID [SIGNAL]`, `kill --all`."""

from __future__ import annotations

import os

from orlop.errors import Conflict
from orlop.kernel import pidfd as pidfds
from orlop.runtime.cgroup import control
from orlop.runtime.oci.command import Command
from orlop.runtime.oci.signals import KILL, number
from orlop.runtime.oci.store import STOPPED, Record


def kill(command: Command) -> int:
    command.expect(1, 2)
    text = command.words[1] if len(command.words) > 1 else command.options.get("signal") or "TERM"
    signo = number(text)
    record = command.store.get(command.words[0])
    everyone = bool(command.options.get("all"))
    if record.status() == STOPPED:
        if everyone:
            to_all(command, record, signo)
            return 0
        raise Conflict("container not running")
    if record.own["cgroup"] and (everyone or (signo == KILL and record.own["shared_pids"])):
        to_all(command, record, signo)
    else:
        to_first(record, signo)
    return 0


def to_first(record: Record, signo: int) -> None:
    """Raises Conflict when it is gone."""
    fd = record.open_process()
    try:
        pidfds.send_signal(fd, signo)
    except ProcessLookupError:
        raise Conflict("container not running") from None
    finally:
        os.close(fd)


def to_all(command: Command, record: Record, signo: int) -> None:
    """Every process that is in the cgroup now."""
    own = record.own["cgroup"]
    if not own:
        return
    layout = command.layout()
    if signo == KILL:
        control.kill(layout, own)
        return
    for pid in control.processes(layout, own):
        try:
            os.kill(pid, signo)
        except ProcessLookupError:
            pass
