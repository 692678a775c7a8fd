"""The keeper's process, from its first line to its loop."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import sys

from orlop.keeper import reexec
from orlop.keeper.adopt import adopt
from orlop.keeper.keeper import Keeper
from orlop.keeper.scribes import write_pid
from orlop.keeper.task import EXITED
from orlop.kernel import allocator, process
from orlop.scribe.poller import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal  # `signal` itself imports enum: 2 ms and 1 MB

BUSY = 3  # exit status: another keeper holds the lock


def main(
    exec_root: str,
    ready: int,
    state: int,
    command: list[str],
    calls: tuple[Callable[..., Any], ...],
) -> int:
    """Run until told to stop. `ready`: gets one byte when the socket listens; -1: nobody waits.

    `state`: fd of a re-executed keeper's state, or -1. `command`: how to execute us again. `calls`:
    those of `Keeper`.
    """
    os.makedirs(f"{exec_root}/containers", 0o711, exist_ok=True)
    lock = _lock(f"{exec_root}/keeper.lock")
    if lock < 0:
        return BUSY
    _settle()
    keeper = Keeper(exec_root, *calls)
    _handle_signals(keeper)
    keeper.reexec = lambda: reexec.reexec(keeper, command)
    write_pid(f"{exec_root}/keeper.pid", os.getpid())
    if state >= 0:
        reexec.restore(keeper, state)
    else:
        if not adopt(keeper):
            keeper.scribe.start()
        keeper.listen()
    gc.collect()
    gc.freeze()
    allocator.trim()
    if ready >= 0:
        os.write(ready, b"1")
        os.close(ready)
    keeper.run()
    for name in ("keeper.sock", "keeper.pid", "scribe-0.sock", "scribe-0.pid"):
        try:
            os.unlink(f"{exec_root}/{name}")
        except OSError:
            pass
    return 0


def _lock(path: str) -> int:
    """One keeper for an exec root; -1 when another has it.

    A record lock belongs to the process: a forked child does not have it, execve keeps it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return -1
    return fd


def _settle() -> None:
    process.set_name("orlop-keeper")
    process.set_subreaper()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _handle_signals(keeper: Keeper) -> None:
    """SIGCHLD wakes the loop; SIGTERM ends an idle keeper and is ignored by one with containers."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def arrived(_events: int) -> None:
        for signo in set(os.read(reader, 4096)):
            if signo == _signal.SIGCHLD:
                keeper.children_changed()
            elif all(task.state == EXITED for task in keeper.tasks.values()):
                keeper.scribe.send({"op": "shutdown"})
                keeper.stopping = True

    def noted(_signo: int, _frame: object) -> None:
        """The byte in the pipe is all."""

    _signal.signal(_signal.SIGCHLD, noted)
    _signal.signal(_signal.SIGTERM, noted)
    for ignored in (_signal.SIGHUP, _signal.SIGINT):
        _signal.signal(ignored, _signal.SIG_IGN)
    _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    keeper.poller.add(reader, READ, arrived)

    def forget() -> None:
        _signal.set_wakeup_fd(-1)
        for signo in (_signal.SIGCHLD, _signal.SIGTERM):
            _signal.signal(signo, _signal.SIG_DFL)

    keeper.forget_signals = forget


def exit_now(status: int) -> None:
    """Without the interpreter's clean-up, which nobody needs."""
    sys.stderr.flush()
    os._exit(status)
