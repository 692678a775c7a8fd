"""Builds under way, by the client's ref: what they tell, what they came to, how they are ended."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import CANCELLED, NOT_FOUND, RpcFailure
from orlop.buildkit.session import Session
from orlop.errors import Conflict
from orlop.protobuf import encode

if TYPE_CHECKING:
    from orlop.buildkit.frontend import Build

Json = dict[str, Any]
_PATIENCE = 6.0  # seconds that a call waits for the build it names
_KEPT = 8  # ended builds whose story may still be asked for
_STORY = 16 << 20  # bytes of it; logs are clipped long before


@dataclass(eq=False, slots=True)
class Job:
    ref: str
    session: Session
    request: Json
    body: BinaryIO | None = None  # the context, where it comes with the request
    cancelled: threading.Event = field(default_factory=threading.Event)
    builds: dict[str, Build] = field(default_factory=dict)  # results of the frontend, by id
    returned: Json | None = None  # what LLBBridge.Return said
    _story: list[bytes] = field(default_factory=list)
    _size: int = 0
    _ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _cancels: list[Callable[[], object]] = field(default_factory=list)

    def tell(self, **what: list[Json]) -> None:
        """One StatusResponse for whoever listens."""
        data = encode(m.STATUS_RESPONSE, what)
        with self._changed:
            if self._size + len(data) > _STORY:
                return
            self._size += len(data)
            self._story.append(data)
            self._changed.notify_all()

    def story(self) -> Iterator[bytes]:
        """From the beginning to the end of the build."""
        at = 0
        while True:
            with self._changed:
                while at == len(self._story):
                    if self._ended:
                        return
                    self._changed.wait()
                data = self._story[at]
            at += 1
            yield data

    def on_cancel(self, callback: Callable[[], object]) -> None:
        with self._changed:
            if not self.cancelled.is_set():
                self._cancels.append(callback)
                return
        callback()

    def cancel(self) -> None:
        """From any thread; waits for nothing."""
        with self._changed:
            self.cancelled.set()
            calls, self._cancels = self._cancels, []
            self._changed.notify_all()
        for call in calls:
            call()

    def check(self) -> None:
        """Raises RpcFailure."""
        if self.cancelled.is_set():
            raise RpcFailure(CANCELLED, "context canceled")

    def add(self, build: Build) -> None:
        """Closed with the job. Raises RpcFailure when that is over."""
        with self._changed:
            if not self._ended:
                self.builds[build.id] = build
                return
        build.close()
        raise RpcFailure(CANCELLED, "context canceled")

    def give(self, returned: Json) -> None:
        with self._changed:
            if self.returned is None:
                self.returned = returned
            self._changed.notify_all()

    def wait_for_return(self) -> Json:
        """What a frontend that the client runs came to. Raises RpcFailure."""
        with self._changed:
            while self.returned is None:
                self.check()
                self._changed.wait()
            return self.returned

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._cancels.clear()
            builds = list(self.builds.values())
        try:
            for build in builds:
                build.close()
        finally:
            with self._changed:
                self._changed.notify_all()


def fresh_id() -> str:
    return secrets.token_hex(12)


@dataclass(eq=False, slots=True)
class Jobs:
    _running: dict[str, Job] = field(default_factory=dict)
    _over: deque[Job] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, ref: str, session: Session, request: Json, body: BinaryIO | None = None) -> Job:
        """Raises Conflict."""
        job = Job(ref, session, request, body)
        with self._changed:
            if ref in self._running:
                raise Conflict(f"job ID {ref} exists")
            self._running[ref] = job
            self._changed.notify_all()
        return job

    def end(self, job: Job) -> None:
        job.end()
        with self._changed:
            self._running.pop(job.ref, None)
            self._over.append(job)
            self._changed.notify_all()

    def get(self, ref: str) -> Job:
        """Also one that has just ended. Raises RpcFailure."""
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                found = self._running.get(ref)
                if found is None:
                    found = next((job for job in self._over if job.ref == ref), None)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise RpcFailure(NOT_FOUND, f"no such job {ref}")

    def wait(self, seconds: float) -> None:
        """Until none runs, or for so long."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def all(self) -> list[Job]:
        with self._changed:
            return list(self._running.values())
