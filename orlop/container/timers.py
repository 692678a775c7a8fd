"""One thread that runs things later: restarts by policy, health checks, lazy unmounts.

Due times are CLOCK_MONOTONIC, so a jump of the wall clock moves nothing. Work itself runs on a
small pool, so a slow health check delays nobody's restart.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

_WORKERS = 8


class Timers:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._cancelled: set[int] = set()
        self._serial = itertools.count()
        self._ready = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="orlop-timer")

    def after(self, seconds: float, work: Callable[[], object]) -> Callable[[], None]:
        """Run `work` once, `seconds` from now; returns its cancel (harmless when too late)."""
        with self._ready:
            key = next(self._serial)
            if not self._closed:
                heapq.heappush(self._heap, (self._clock() + seconds, key, work))
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="orlop-timers", daemon=True
                    )
                    self._thread.start()
                self._ready.notify()

        def cancel() -> None:
            with self._ready:
                if any(k == key for _, k, _ in self._heap):
                    self._cancelled.add(key)

        return cancel

    def now(self, work: Callable[[], object]) -> None:
        """Run `work` on the pool at once."""
        with self._ready:
            if self._closed:
                return
            self._pool.submit(guarded, work)

    def close(self) -> None:
        """Drop what is not due and wait for what runs."""
        with self._ready:
            self._closed = True
            self._heap.clear()
            self._ready.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._closed and (not self._heap or self._heap[0][0] > self._clock()):
                    wait = self._heap[0][0] - self._clock() if self._heap else None
                    self._ready.wait(wait)
                if self._closed:
                    return
                _, key, work = heapq.heappop(self._heap)
                if key in self._cancelled:
                    self._cancelled.discard(key)
                    continue
                self._pool.submit(guarded, work)


def guarded(work: Callable[[], object]) -> None:
    """Run deferred work: its failure is logged, nobody waits for it."""
    try:
        work()
    except Exception:
        log.exception("deferred work failed")
