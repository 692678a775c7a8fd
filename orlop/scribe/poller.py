"""An epoll loop of handlers and timers: keeper and scribe run on one each, in one thread."""

from __future__ import annotations

import select
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
HANGUP = select.EPOLLHUP
ERROR = select.EPOLLERR
PEER_CLOSED = select.EPOLLRDHUP
EDGE = select.EPOLLET
_BATCH = 64


class Poller:
    """`run_once` waits for events and timers; a handler that fails is reported, not fatal."""

    __slots__ = ("_epoll", "_handlers", "_timers")

    def __init__(self) -> None:
        self._epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: dict[object, tuple[float, Callable[[], None]]] = {}

    def add(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Before closing `fd`: an fd that another process holds too stays watched else."""
        if self._handlers.pop(fd, None) is not None:
            try:
                self._epoll.unregister(fd)
            except OSError:
                pass

    def after(self, seconds: float, key: object, action: Callable[[], None]) -> None:
        """Call `action` once, later; a timer with the same key is replaced."""
        self._timers[key] = (monotonic() + seconds, action)

    def cancel(self, key: object) -> None:
        self._timers.pop(key, None)

    def run_once(self, *, block: bool = True) -> None:
        timeout = 0.0
        if block:
            timeout = -1.0
            if self._timers:
                first = min(when for when, _ in self._timers.values())
                timeout = max(0.0, first - monotonic())
        for fd, events in self._epoll.poll(timeout, _BATCH):
            handler = self._handlers.get(fd)
            if handler is not None:  # an earlier handler of this batch may have removed it
                guard(handler, events)
        if self._timers:
            now = monotonic()
            for key, (when, action) in list(self._timers.items()):
                if when <= now and self._timers.get(key, (0.0, None))[1] is action:
                    del self._timers[key]
                    guard(action)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def close(self) -> None:
        self._epoll.close()


def guard(action: Callable[..., None], *arguments: object) -> None:
    """Run; an exception is a bug to be reported, but never the end of every container."""
    try:
        action(*arguments)
    except Exception:
        report()


def report() -> None:
    """The exception in hand, to stderr: a log file of the keeper."""
    kind, error, trace = sys.exc_info()
    lines = [f"{kind.__name__ if kind else ''}: {error}"]
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"  {code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # a full disk must not hurt either
