"""One job: a thread that sends a container's records until told to end, and does not give up."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from orlop.scribe.courier.feed import Feed
from orlop.scribe.courier.fluentd import Fluentd
from orlop.scribe.courier.gelf import Gelf
from orlop.scribe.courier.journald import Journald
from orlop.scribe.courier.syslog import Syslog
from orlop.scribe.parse import Entry

_SLICE = 256  # records in one attempt
_LONGEST_WAIT = 30.0


class Driver(Protocol):
    """`send` raises OSError; then it is closed and tried again, `max_retries` times."""

    max_retries: int
    retry_wait: float

    def send(self, entries: list[Entry]) -> None: ...
    def close(self) -> None: ...


DRIVERS: dict[str, Any] = {
    "syslog": Syslog,
    "fluentd": Fluentd,
    "gelf": Gelf,
    "journald": Journald,
}


class Sender:
    def __init__(
        self,
        id: str,
        job: dict[str, Any],
        position: str,
        before: Sender | None,
        notify: Callable[[], None],
    ) -> None:
        """`before`: the one whose work it takes over, told to stop. `notify`: called at the end."""
        self.id = id
        self.job = job
        self.done = False  # the container has ended and everything is sent
        self.finished = threading.Event()
        self._stop = threading.Event()
        self._before = before
        self._notify = notify
        self._position = position
        self._feed: Feed | None = None
        self._ended = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"send-{id[:12]}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """The container has ended: finish once all is sent."""
        with self._lock:
            self._ended = True
            if self._feed is not None:
                self._feed.end()

    def stop(self) -> None:
        """Give up what is not sent yet."""
        self._stop.set()
        with self._lock:
            if self._feed is not None:
                self._feed.close()

    def _run(self) -> None:
        try:
            if self._before is not None:
                self._before.finished.wait()
                self._before = None
            self._send_all()
            self.done = not self._stop.is_set()
        except Exception as error:
            print(f"courier: {self.id[:12]}: {error!r}", file=sys.stderr, flush=True)
        finally:
            self.finished.set()
            self._notify()

    def _send_all(self) -> None:
        with self._lock:
            feed = self._feed = Feed(self.job["path"], self._position)
            if self._ended:
                feed.end()
            if self._stop.is_set():
                feed.close()
        driver: Driver = DRIVERS[self.job["driver"]](self.job)
        try:
            for batch in feed.batches():
                for at in range(0, len(batch), _SLICE):
                    self._deliver(driver, batch[at : at + _SLICE])
        finally:
            driver.close()

    def _deliver(self, driver: Driver, entries: list[Entry]) -> None:
        wait, failures = driver.retry_wait, 0
        while not self._stop.is_set():
            try:
                driver.send(entries)
                return
            except OSError as error:
                driver.close()
                failures += 1
                if failures == 1:
                    self._say(f"{error}; trying again")
                if failures > driver.max_retries:
                    self._say(f"{len(entries)} records are given up: {error}")
                    return
            self._stop.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _say(self, text: str) -> None:
        print(
            f"courier: {self.job['driver']} of {self.id[:12]}: {text}", file=sys.stderr, flush=True
        )

    def clear(self) -> None:
        """Everything is sent: remove what was kept for nothing else."""
        if self.job["keep"]:
            return
        directory = os.path.dirname(self.job["path"])
        with contextlib.suppress(OSError):
            for name in os.listdir(directory):
                os.unlink(os.path.join(directory, name))
            os.rmdir(directory)
