"""One thread's epoll loop: callbacks by descriptor, calls from other threads, timers.

Not asyncio: that costs 7 MB and 15 ms at start, and cannot wait for "the peer has gone" without
reading (EPOLLRDHUP), which is how a request in a thread learns that nobody waits for it any more.
Only `call`, `unwatch` and `stop` may be used from other threads.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
GONE = select.EPOLLRDHUP  # level-triggered: unwatch once seen
_BATCH = 256

Handler = Callable[[int], None]  # gets the events


class Loop:
    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._handlers: dict[int, Handler] = {self._wake: self._woken}
        self._epoll.register(self._wake, READ)
        self._watching = threading.Lock()
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._running = False

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        """Call `handler` while any of `events` holds for `fd`; replaces an earlier watch."""
        with self._watching:
            if fd in self._handlers:
                self._epoll.modify(fd, events)
            else:
                self._epoll.register(fd, events)
            self._handlers[fd] = handler

    def unwatch(self, fd: int) -> None:
        """Must precede the closing of `fd`. From any thread; once it returns, nobody watches.

        A descriptor that was handed on and closed before it was unregistered can never be: it
        would wake the loop for as long as its new owner keeps it.
        """
        with self._watching:
            if self._handlers.pop(fd, None) is not None:
                self._epoll.unregister(fd)

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Run on the loop's thread soon. From any thread."""
        self._calls.append((function, arguments))
        try:
            os.eventfd_write(self._wake, 1)
        except OSError:
            pass  # closed: the daemon ends

    def later(self, seconds: float, function: Callable[[], object]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), function))

    def run(self) -> None:
        """Until `stop`."""
        self._running = True
        while self._running:
            for fd, events in self._epoll.poll(self._timeout(), _BATCH):
                handler = self._handlers.get(fd)
                if handler is not None:
                    _guarded(handler, events)
            while self._timers and self._timers[0][0] <= time.monotonic():
                _guarded(heapq.heappop(self._timers)[2])

    def stop(self) -> None:
        self.call(self._stop)

    def close(self) -> None:
        os.close(self._wake)
        self._epoll.close()

    def _stop(self) -> None:
        self._running = False

    def _timeout(self) -> float:
        if not self._timers:
            return -1
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _woken(self, events: int) -> None:
        os.eventfd_read(self._wake)
        for _ in range(len(self._calls)):
            function, arguments = self._calls.popleft()
            _guarded(function, *arguments)


def _guarded(function: Callable[..., object], *arguments: Any) -> None:
    """One broken connection must not end the loop of all."""
    try:
        function(*arguments)
    except Exception:
        log.exception("in the API loop")
