"""Containers that daemon, keeper and scribe all left behind: they run, and nobody holds them.

What their records say is enough to find them: the process is the container's if it is in the
container's control group. Its output is in FIFOs that a new scribe opens by path.
"""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

from orlop.container import cgroups, logopts
from orlop.container.containers import Containers
from orlop.container.model import Container, Json
from orlop.container.times import nanoseconds
from orlop.errors import OrlopError
from orlop.kernel import pidfd as pidfds

log = logging.getLogger(__name__)


def take_back(containers: Containers, container: Container) -> Json | None:
    """The keeper's task of a container that runs though the keeper did not know; else None.

    One that cannot be taken back is ended: it would hold its files and addresses unseen.
    """
    fd = _first_process(container)
    if fd is None:
        return None
    try:
        facts = _facts(containers, container)
        containers.keeper.take_back(facts, os.dup(fd))
    except (OrlopError, OSError) as error:
        log.warning("container %s cannot be taken back, and is ended: %s", container.id[:12], error)
        _end(fd)
        return None
    finally:
        os.close(fd)
    log.info("container %s is taken back", container.id[:12])
    return {**facts, "state": "running"}


def _first_process(container: Container) -> int | None:
    """Its pidfd, if the recorded number is still that of a process of this container."""
    pid = container.state.pid
    if pid <= 0:
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        # It was alive when its group was read, so the number was its own; and it is no zombie.
        if container.id in Path(f"/proc/{pid}/cgroup").read_text() and not pidfds.has_ended(fd):
            return fd
    except OSError:
        pass  # it has ended meanwhile
    os.close(fd)
    return None


def _facts(containers: Containers, container: Container) -> Json:
    record = container.record
    spool = containers.couriers.spool(container.id)
    logged = logopts.scribe(container, record, spool)
    if logopts.is_remote(container):
        logged["position"] = str(containers.couriers.position(container.id))
    return {
        "id": container.id,
        "exec_id": "",
        "pid": container.state.pid,
        "started_ns": nanoseconds(container.state.started_at),
        "tty": bool(record["Config"]["Tty"]),
        "log": logged,
        "cgroups": cgroups.directories(containers, container),
    }


def _end(fd: int) -> None:
    try:
        pidfds.send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        pass
