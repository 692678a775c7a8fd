"""Contexts that come as the body of a request of their own, for the build that wants them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import BinaryIO

from orlop.errors import SystemFailure

_PATIENCE = 5.0  # seconds that the one waits for the other, as dockerd


@dataclass(eq=False, slots=True)
class Upload:
    stream: BinaryIO
    done: threading.Event = field(default_factory=threading.Event)
    taken: bool = False


@dataclass(eq=False, slots=True)
class Uploads:
    _offered: dict[str, Upload] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def offer(self, id: str, stream: BinaryIO) -> None:
        """Returns once a build has read it. Raises SystemFailure when none came."""
        upload = Upload(stream)
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            self._offered[id] = upload
            self._changed.notify_all()
            while not upload.taken:
                left = deadline - time.monotonic()
                if left <= 0:
                    if self._offered.get(id) is upload:
                        del self._offered[id]
                    raise SystemFailure("context deadline exceeded")
                self._changed.wait(left)
        upload.done.wait()

    def take(self, id: str) -> Upload:
        """The caller sets `done`. Raises SystemFailure when none comes."""
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while id not in self._offered:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise SystemFailure("context deadline exceeded")
                self._changed.wait(left)
            upload = self._offered.pop(id)
            upload.taken = True
            self._changed.notify_all()
        return upload
