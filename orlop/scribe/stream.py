"""One output of a process: read in fair turns, logged, fed to the attached clients."""

from __future__ import annotations

import os

from orlop.scribe.ledger import SHARE
from orlop.scribe.poller import EDGE, READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.scribe.recorder import Recorder
    from orlop.scribe.task import Task


class Stream:
    """Edge-triggered: an event or `wake` schedules it, turns go on until nothing is left."""

    __slots__ = ("_scheduled", "_task", "ended", "fd", "number", "recorder")

    def __init__(self, task: Task, number: int, fd: int, recorder: Recorder | None) -> None:
        self._task = task
        self.number = number
        self.fd = fd
        self.recorder = recorder
        self.ended = False
        self._scheduled = False
        if not task.terminal:
            task.scribe.poller.add(fd, READ | EDGE, self._handle)

    def _handle(self, _events: int) -> None:
        self.wake()

    def wake(self) -> None:
        if not self._scheduled and not self.ended:
            self._scheduled = True
            self._task.scribe.schedule(self)

    def turn(self) -> bool:
        """Move up to 64 KiB; True to be called again."""
        task = self._task
        self._scheduled = False
        if self.ended:
            return False
        hub = task.hub
        if hub is not None and hub.full and not task.exited:
            return False  # the client that catches up wakes us
        data = self._read()
        if data is None:
            return False
        if not data:
            self._at_end()
            return False
        if self.recorder is not None:
            self.recorder.settle(data)
        if hub is not None and hub.clients:
            hub.feed(self.number, data)
        self._scheduled = True
        return True

    def _read(self) -> bytes | None:
        """What there is, in the ledger's hands when it is to be logged; b"" at the end."""
        recorder = self.recorder
        if recorder is not None and not self._task.terminal:
            return recorder.ledger.take(recorder.slot, self.fd)
        try:
            data = os.read(self.fd, SHARE)
        except BlockingIOError:
            return None
        except OSError:
            data = b""  # EIO: nobody has the terminal open
        if recorder is not None and data:
            recorder.ledger.hold(recorder.slot, data)
        return data

    def _at_end(self) -> None:
        task = self._task
        if task.terminal and not task.exited:
            return  # it may be opened again: an edge will tell
        self.ended = True
        if not task.terminal:
            task.scribe.poller.remove(self.fd)
        task.check()

    def drain(self) -> None:
        """Read what is there now, without turns."""
        for _ in range(64):
            if not self.turn():
                break
        self._scheduled = False

    def finish(self) -> None:
        """Nothing of it is logged any more."""
        if self.recorder is not None:
            self.recorder.end()
            self.recorder = None
        if not self.ended:
            self.wake()

    def close(self) -> None:
        if self.fd >= 0:
            if not self._task.terminal:
                self._task.scribe.poller.remove(self.fd)
                os.close(self.fd)
            self.fd = -1
