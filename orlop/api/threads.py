"""Threads for requests: one more whenever none is idle, so a slow call never delays another.

A fixed pool would let thirty `docker stop` hold up everybody; idle threads leave after a while.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

LIMIT = 1024  # beyond it requests queue
IDLE = 20.0  # seconds an idle thread stays


class Threads:
    def __init__(
        self,
        limit: int = LIMIT,
        idle: float = IDLE,
        *,
        rest: Callable[[], object] = lambda: None,
    ) -> None:
        """`rest` is called when the last idle thread leaves."""
        self._limit = limit
        self._patience = idle
        self._rest = rest
        self._work: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._idle = 0  # threads that wait
        self.count = 0

    def run(self, function: Callable[..., object], *arguments: Any) -> None:
        with self._ready:
            self._work.append((function, arguments))
            if len(self._work) <= self._idle:
                self._ready.notify()
                return
            if self.count >= self._limit:
                return
            self.count += 1
        try:
            threading.Thread(target=self._main, name="orlop-api", daemon=True).start()
        except RuntimeError:  # the host gives no more threads: the others will take it
            with self._ready:
                self.count -= 1
                if self.count == 0:
                    raise

    def _main(self) -> None:
        while True:
            with self._ready:
                self._idle += 1
                found = self._ready.wait_for(lambda: self._work, self._patience)
                self._idle -= 1
                if not found:
                    self.count -= 1
                    last = self.count == 0
                    break
                function, arguments = self._work.popleft()
            try:
                function(*arguments)
            except Exception:
                log.exception("in an API thread")
            del function, arguments  # an idle thread must not keep a request alive
        if last:
            self._rest()
