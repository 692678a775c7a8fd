"""The courier's process: a sender for each job file, until none is left for a while."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
import time
from typing import Any

from orlop.scribe import watch
from orlop.scribe.courier.sender import Sender

_LOOK = 5.0  # seconds between looks when nothing was noticed
_IDLE_EXIT = 30.0
_AFTER_REMOVAL = 60.0  # seconds to send what a removed container left


class Courier:
    def __init__(self, jobs: str) -> None:
        self._jobs = jobs
        self._changed = threading.Event()
        self._senders: dict[str, Sender] = {}
        self._orphans: list[tuple[float, Sender]] = []

    def run(self, lock: int) -> None:
        watch.shared().add(self._jobs, lambda _name, _deleted: self._changed.set())
        busy = time.monotonic()
        while True:
            self._changed.clear()
            self._look()
            if self._senders or self._orphans:
                busy = time.monotonic()
            elif time.monotonic() - busy > _IDLE_EXIT and self._leave(lock):
                return
            self._changed.wait(_LOOK)

    def _leave(self, lock: int) -> bool:
        """A daemon that sees the lock held starts nobody: look once more without it."""
        fcntl.flock(lock, fcntl.LOCK_UN)
        if not self._names():
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True  # another one took over
        return False

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self._jobs) if name.endswith(".json")]

    def _look(self) -> None:
        found = {name[:-5] for name in self._names()}
        for id in found:
            job = self._read(id)
            if job is not None:
                self._take(id, job)
        for id in [id for id in self._senders if id not in found]:
            sender = self._senders.pop(id)
            sender.end()
            self._orphans.append((time.monotonic() + _AFTER_REMOVAL, sender))
        for entry in tuple(self._orphans):
            if entry[1].finished.is_set():
                self._orphans.remove(entry)
            elif entry[0] < time.monotonic():
                entry[1].stop()

    def _read(self, id: str) -> dict[str, Any] | None:
        try:
            with open(f"{self._jobs}/{id}.json", "rb") as file:
                job = json.load(file)
        except (OSError, ValueError):
            return None  # gone meanwhile
        return job if isinstance(job, dict) else None

    def _take(self, id: str, job: dict[str, Any]) -> None:
        sender = self._senders.get(id)
        ended = bool(job.get("ended"))
        if sender is not None and sender.done and ended:
            self._finish(id, job, sender)
            return
        if sender is None or sender.done or not _same(sender.job, job):
            if sender is not None:
                sender.stop()
            sender = Sender(id, job, f"{self._jobs}/{id}.pos", sender, self._changed.set)
            self._senders[id] = sender
            sender.start()
        if ended:
            sender.job = job
            sender.end()

    def _finish(self, id: str, job: dict[str, Any], sender: Sender) -> None:
        """All is sent. The job goes unless its container was started again meanwhile."""
        del self._senders[id]
        jobs = os.open(self._jobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(jobs, fcntl.LOCK_EX)  # or the daemon writes it after it was read here
            if self._read(id) == job:
                sender.clear()
                with contextlib.suppress(OSError):
                    os.unlink(f"{self._jobs}/{id}.json")
        finally:
            os.close(jobs)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {**one, "ended": False} == {**other, "ended": False}


def main(jobs: str, exec_root: str) -> None:
    lock = os.open(f"{exec_root}/courier.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(0)  # there is one
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with open("/proc/self/comm", "w") as name:
        name.write("orlop-courier")
    with open(f"{exec_root}/courier.pid", "w") as file:
        file.write(f"{os.getpid()}\n")
    Courier(jobs).run(lock)
