"""Keep a scribe alive: fork it, tell it what the keeper has, fork it again when it dies."""

from __future__ import annotations

import _socket
import os
from time import monotonic

from orlop.kernel import process
from orlop.scribe import frames, ledger
from orlop.scribe.connection import Connection
from orlop.scribe.poller import READ, report
from orlop.scribe.scribe import Scribe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from orlop.keeper.keeper import Keeper

_QUICK = 1.0  # a scribe that lived shorter is forked again a little later each time
_DELAYS = (0.0, 0.01, 0.02, 0.05, 0.1)  # seconds


class ScribeLink:
    """The keeper's hold on scribe `number`: its listening socket and ledger outlive it."""

    __slots__ = (
        "_keeper",
        "_listener",
        "_quick",
        "_since",
        "channel",
        "ledger",
        "number",
        "pid",
        "pidfd",
    )

    def __init__(self, keeper: Keeper, number: int) -> None:
        self._keeper = keeper
        self.number = number
        self.pid = 0
        self.pidfd = -1
        self.channel: Connection | None = None
        self.ledger: tuple[int, ...] = ()
        self._listener: _socket.socket | None = None
        self._since = 0.0
        self._quick = 0

    @property
    def path(self) -> str:
        return f"{self._keeper.exec_root}/scribe-{self.number}.sock"

    @property
    def listener(self) -> _socket.socket:
        assert self._listener is not None
        return self._listener

    def start(self) -> None:
        """Make socket and ledger, fork the first scribe."""
        self.ledger = ledger.create()
        self._listener = frames.listen(self.path)
        self.fork()

    def take(self, pid: int, channel: Connection, listener: int, ledger_fds: list[int]) -> None:
        """Go on with a scribe that runs (after a take-over or re-execution)."""
        self.pid = pid
        self.channel = channel
        self._listener = _socket.socket(fileno=listener)
        self.ledger = tuple(ledger_fds)
        self._since = monotonic()
        self.pidfd = os.pidfd_open(pid)
        self._keeper.poller.add(self.pidfd, READ, self._died)

    def fork(self) -> None:
        keeper = self._keeper
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        told = [
            (task.info(), list(task.fds.values()), task.exited_ns, task.drained)
            for task in keeper.tasks.values()
            if task.starting is None
        ]
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._be_scribe(theirs, told)
        theirs.close()
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self._since = monotonic()
        keeper.poller.add(self.pidfd, READ, self._died)
        self.channel = Connection(keeper.poller, ours, keeper.on_scribe_frame, self.hung_up)
        write_pid(f"{keeper.exec_root}/scribe-{self.number}.pid", pid)
        keeper.push({"event": "scribe", "pid": pid, "n": self.number})

    def _be_scribe(self, channel: _socket.socket, told: list[tuple[Any, ...]]) -> NoReturn:
        status = 1
        try:
            keeper = self._keeper
            keeper.forget_signals()
            process.set_name(f"orlop-scribe-{self.number}")
            keep = [0, 1, 2, channel.fileno(), self.listener.fileno(), *self.ledger]
            for _, fds, _, _ in told:
                keep += fds
            for held in keeper.holds.values():
                keep += held
            process.close_fds_except(keep)
            scribe = Scribe(channel, self.listener, ledger.Ledger(*self.ledger))
            scribe.load(told, keeper.holds)
            scribe.run()
            status = 0
        except BaseException:
            report()
        finally:
            os._exit(status)

    def hung_up(self, _channel: Connection) -> None:
        self.channel = None

    def _died(self, _events: int) -> None:
        """Dead: nothing is lost, the next one goes on where it stopped."""
        keeper = self._keeper
        keeper.poller.remove(self.pidfd)
        os.close(self.pidfd)
        self.pidfd = -1
        try:
            os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            pass  # it was the child of a keeper before us
        self.pid = 0
        if self.channel is not None:
            self.channel.close()
        if keeper.stopping:
            return
        self._quick = self._quick + 1 if monotonic() - self._since < _QUICK else 0
        delay = _DELAYS[min(self._quick, len(_DELAYS) - 1)]
        keeper.poller.after(delay, self, self.fork)

    def send(self, frame: dict[str, Any], fds: list[int] | None = None) -> None:
        """Lost when no scribe lives: the next is told everything at its birth."""
        if self.channel is not None:
            self.channel.send(frame, fds or [])


def write_pid(path: str, pid: int) -> None:
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, f"{pid}\n".encode())
    finally:
        os.close(fd)
    os.rename(path + ".new", path)
