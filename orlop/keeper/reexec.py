"""The keeper becomes its successor: the same process, other code, every fd and child kept."""

from __future__ import annotations

import _socket
import fcntl
import marshal
import os

from orlop.keeper import reap
from orlop.keeper import task as tasks
from orlop.kernel import memfd
from orlop.scribe.connection import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.keeper.keeper import Keeper

_LIMIT = 256 << 20


def reexec(keeper: Keeper, command: list[str]) -> None:
    """Execute `command` with the fd of the state as its last argument. Raises OSError: still us."""
    state = describe(keeper)
    fd = memfd.sealed("orlop-keeper", marshal.dumps(state))
    inherited = [fd, *state["fds"]]
    try:
        for each in inherited:
            os.set_inheritable(each, True)
        os.execv(command[0], [*command, str(fd)])
    finally:  # only when it failed
        for each in inherited:
            os.set_inheritable(each, False)
        os.close(fd)


def describe(keeper: Keeper) -> dict[str, Any]:
    """Everything a successor needs, fds by number."""
    assert keeper.listener is not None
    scribe = keeper.scribe
    connections = [c.sock.fileno() for c in keeper.connections if not c.pending]
    described = [_describe(task) for task in keeper.tasks.values() if task.starting is None]
    channel = scribe.channel.sock.fileno() if scribe.channel is not None else -1
    state: dict[str, Any] = {
        "listener": keeper.listener.fileno(),
        "connections": connections,
        "tasks": described,
        "holds": keeper.holds,
        "scribe": (scribe.pid, channel, scribe.listener.fileno(), tuple(scribe.ledger)),
    }
    fds = [state["listener"], scribe.listener.fileno(), *connections, *scribe.ledger]
    if channel >= 0:
        fds.append(channel)
    for one in described:
        fds += one["numbers"]
    for held in keeper.holds.values():
        fds += held
    state["fds"] = fds
    return state


def _describe(task: tasks.Task) -> dict[str, Any]:
    return {
        "info": task.info(),
        "numbers": list(task.fds.values()),
        "state": task.state,
        "status": task.status,
        "error": task.error,
        "exited_ns": task.exited_ns,
        "drained": task.drained,
        "ours": task.ours,
    }


def restore(keeper: Keeper, fd: int) -> None:
    """Go on from the state in `fd`."""
    state = marshal.loads(memfd.read_sealed(fd, _LIMIT))
    os.close(fd)
    for each in state["fds"]:
        fcntl.fcntl(each, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    for one in state["tasks"]:
        task = tasks.from_info(one["info"], one["numbers"])
        for name in ("state", "status", "error", "exited_ns", "drained", "ours"):
            setattr(task, name, one[name])
        keeper.tasks[task.key] = task
    keeper.holds = state["holds"]
    keeper.count_slots()
    pid, channel, listener, ledger = state["scribe"]
    _take_scribe(keeper, pid, channel, listener, ledger)
    keeper.listen(_socket.socket(fileno=state["listener"]))
    for number in state["connections"]:
        keeper.connect(_socket.socket(fileno=number))
    for task in tuple(keeper.tasks.values()):
        if task.state != tasks.EXITED:
            reap.watch(keeper, task)
        elif not task.drained:
            reap.wait_drained(keeper, task)
    keeper.push({"event": "reexec", "pid": os.getpid()})


def _take_scribe(
    keeper: Keeper, pid: int, channel: int, listener: int, ledger: tuple[int, ...]
) -> None:
    sock = _socket.socket(fileno=channel) if channel >= 0 else _dead()
    connection = Connection(keeper.poller, sock, keeper.on_scribe_frame, keeper.scribe.hung_up)
    keeper.scribe.take(pid, connection, listener, list(ledger))


def _dead() -> _socket.socket:
    """A channel whose scribe is gone: its end is noticed as that of any other."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    theirs.close()
    return ours
