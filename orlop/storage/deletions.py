"""Removal of trees behind the answer, often of tens of thousands of files.

A large tree gives way to layers that are unpacked or packed: an image is often removed to be
pulled or loaded again at once, and both would want the same disk. A small one goes at once. Where
space is short nothing waits: who removes an image then needs its room.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

_FEW = 1000  # files of a tree that are no reason to wait
_GRACE = 1.0  # seconds in which a load or pull may follow
_LONGEST = 30.0  # seconds that one tree waits for layers that are being unpacked or packed
_LOOK = 1.0  # seconds after which it asks again for the space: nothing tells when it gets short
_PLENTY = 0.1  # free part of the disk's bytes and inodes above which a tree may wait


class Stopped(Exception):
    """The rest is left to the next start."""


class Deletions:
    def __init__(self, home: Path) -> None:
        """`home`: a directory on the filesystem of the trees."""
        self._home = home
        self._pool = ThreadPoolExecutor(1, "orlop-delete")
        self._changed = threading.Condition()
        self._others = 0
        self._hurry = False
        self._patience = 0.0  # seconds that the tree at work may still wait
        self._due = 0.0  # until when a layer may follow (monotonic)
        self._files = 0  # of the tree at work, so far
        self._end = math.inf  # when nothing more is removed (monotonic)

    def submit(self, remove: Callable[..., None], *arguments: object) -> Future[None]:
        """One after the other, in the order of the calls."""
        return self._pool.submit(self._run, time.monotonic() + _GRACE, remove, arguments)

    def _run(self, due: float, remove: Callable[..., None], arguments: tuple[object, ...]) -> None:
        self._patience, self._due, self._files = _LONGEST, due, 0
        with suppress(Stopped):
            self.pause()
            remove(*arguments)

    def pause(self) -> None:
        """Called between the files of a tree, in the thread that removes it. Raises Stopped."""
        if time.monotonic() > self._end:
            raise Stopped
        self._files += 1
        if self._files <= _FEW:
            return
        with self._changed:
            left = self._due - time.monotonic()
            if left > 0 and self._plenty():
                self._changed.wait_for(lambda: self._hurry, left)
            self._due = 0.0
        while self._others and self._patience > 0:
            begin = time.monotonic()
            with self._changed:
                go = self._changed.wait_for(self._may_go, min(_LOOK, self._patience))
            self._patience -= time.monotonic() - begin
            if go:
                return

    def _may_go(self) -> bool:
        return self._hurry or not self._others or not self._plenty()

    def _plenty(self) -> bool:
        try:
            state = os.statvfs(self._home)
        except OSError:
            return False
        inodes = not state.f_files or state.f_favail > _PLENTY * state.f_files
        return inodes and state.f_bavail > _PLENTY * state.f_blocks

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """A layer's files are being made or read meanwhile."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._others += change
            self._changed.notify_all()

    def close(self, patience: float = math.inf) -> None:
        """Go on removing at once, for so many seconds: a stop of the daemon does not wait for tens
        of thousands of files."""
        self._end = time.monotonic() + patience
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
        self._pool.shutdown()
