"""Work that nobody waits for: unmounting, rm -r, cgroup rmdir, network leftovers.

One thread runs it in order, `drain` waits for it, close drains. A failure is logged and the rest
goes on; what a crash leaves behind is swept at the next start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)


class Cleanup:
    def __init__(self) -> None:
        self._jobs: deque[tuple[str, Callable[[], object]]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closed = False

    def add(self, what: str, job: Callable[[], object]) -> None:
        """Queue a job; `what` names it in the log."""
        with self._changed:
            if self._closed:
                inline = True
            else:
                inline = False
                self._jobs.append((what, job))
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="orlop-cleanup", daemon=True
                    )
                    self._thread.start()
                self._changed.notify_all()
        if inline:
            _run_one(what, job)

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until the queue is empty; False on timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs and not self._busy, timeout)

    def close(self) -> None:
        """Finish everything queued, then stop."""
        self.drain()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._jobs) or self._closed)
                if not self._jobs:
                    return
                what, job = self._jobs.popleft()
                self._busy = True
            _run_one(what, job)


def _run_one(what: str, job: Callable[[], object]) -> None:
    try:
        job()
    except Exception:
        log.warning("cleanup of %s failed", what, exc_info=True)
