"""Uploads that are under way: one file each, held in memory by a random name."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from orlop.api.registry.problem import Problem
from orlop.image.blobs import Blobs, Incoming

_MOST = 256  # uploads at once
_PATIENCE = 3.0  # seconds
_IDLE = 3600.0  # seconds after which an upload may be dropped for a newer one


class Session:
    def __init__(self, repository: str, incoming: Incoming) -> None:
        self.repository = repository
        self.incoming = incoming
        self.busy = threading.Lock()
        self.touched = time.monotonic()


class Sessions:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def begin(self, repository: str) -> str:
        """The name of a new upload. Raises Problem when there are too many."""
        with self._lock:
            if len(self._open) >= _MOST:
                oldest = min(self._open, key=lambda key: self._open[key].touched)
                if time.monotonic() - self._open[oldest].touched < _IDLE:
                    raise Problem("DENIED", "too many uploads at once")
                self._open.pop(oldest).incoming.drop()
            key = secrets.token_hex(16)
            self._open[key] = Session(repository, self._blobs.new())
            return key

    @contextmanager
    def held(self, repository: str, key: str) -> Iterator[Session]:
        """One request at a time works on an upload. Raises Problem."""
        with self._lock:
            session = self._open.get(key)
        if session is None or session.repository != repository:
            raise Problem("BLOB_UPLOAD_UNKNOWN")
        # the one whose line just broke may not have noticed yet
        if not session.busy.acquire(timeout=_PATIENCE):
            raise Problem("BLOB_UPLOAD_INVALID", "another request is writing to this upload")
        try:
            session.touched = time.monotonic()
            yield session
        finally:
            session.busy.release()

    def take(self, key: str) -> None:
        """It is finished, one way or the other."""
        with self._lock:
            self._open.pop(key, None)

    def close(self) -> None:
        with self._lock:
            left, self._open = list(self._open.values()), {}
        for session in left:
            session.incoming.drop()
