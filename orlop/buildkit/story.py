"""What a build tells its client: vertices, statuses and logs in BuildKit's form and words."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from orlop.builder import events as ev
from orlop.builder import stages
from orlop.buildkit.failures import CACHE_KEY, words
from orlop.buildkit.jobs import Job, fresh_id
from orlop.errors import OrlopError
from orlop.oci.reference import parse_any

Json = dict[str, Any]
_LAYERS = ("FROM", "RUN", "COPY", "ADD", "WORKDIR")  # the instructions that BuildKit shows
_LOG_LIMIT = 2 << 20  # bytes of one step, as BuildKit


def stamp(at_ns: int) -> Json:
    return {"seconds": at_ns // 10**9, "nanos": at_ns % 10**9}


@dataclass(slots=True)
class Told:
    """A vertex that is being told."""

    job: Job
    name: str
    digest: str = field(
        default_factory=lambda: "sha256:" + hashlib.sha256(fresh_id().encode()).hexdigest()
    )
    inputs: tuple[str, ...] = ()
    started: int = 0
    logged: int = 0

    def plan(self) -> Json:
        return {"digest": self.digest, "name": self.name, "inputs": list(self.inputs)}

    def start(self, at_ns: int = 0) -> None:
        self.started = at_ns or time.time_ns()
        self.job.tell(vertexes=[{**self.plan(), "started": stamp(self.started)}])

    def complete(self, *, cached: bool = False, error: str = "", at_ns: int = 0) -> None:
        found = {**self.plan(), "completed": stamp(at_ns or time.time_ns())}
        found |= {"started": stamp(self.started or at_ns or time.time_ns()), "cached": cached}
        self.job.tell(vertexes=[{**found, "error": error}])

    @contextlib.contextmanager
    def during(self) -> Iterator[None]:
        self.start()
        try:
            yield
        except BaseException as error:
            text = error.message if isinstance(error, OrlopError) else str(error)
            self.complete(error=text or "failed")
            raise
        self.complete()

    @contextlib.contextmanager
    def part(self, id: str, name: str = "") -> Iterator[Json]:
        """A line of its own below the vertex: `exporting layers`. Its fields may be changed."""
        now = time.time_ns()
        found: Json = {"id": id, "vertex": self.digest, "name": name, "started": stamp(now)}
        self.job.tell(statuses=[{**found, "timestamp": stamp(now)}])
        yield found
        now = time.time_ns()
        self.job.tell(statuses=[{**found, "timestamp": stamp(now), "completed": stamp(now)}])

    def log(self, stream: int, data: bytes, at_ns: int) -> None:
        """No more of a step than a limit is kept."""
        if self.logged > _LOG_LIMIT:
            return
        self.logged += len(data)
        if self.logged > _LOG_LIMIT:
            data = data[: _LOG_LIMIT - self.logged] + b"\n[output clipped, log limit 2MiB reached]"
            self.logged = _LOG_LIMIT + 1
        at = stamp(at_ns or time.time_ns())
        log = {"vertex": self.digest, "timestamp": at, "stream": stream or 1, "msg": data}
        self.job.tell(logs=[log])


class Narrator:
    """The builder's events → the job's story."""

    def __init__(
        self, job: Job, planned: list[stages.Planned], count: int, stand_ins: Container[str]
    ) -> None:
        """`count`: of the file's stages; `stand_ins`: bases that named contexts are."""
        self._job = job
        self._bases = {one.stage.name: "" if one.base in stand_ins else one.base for one in planned}
        self._many = count > 1
        self._told: dict[str, Told] = {}
        self._pulling: dict[tuple[str, str], int] = {}
        self.failed_line = 0
        self.failed = ""  # digest
        self.failed_base = ""  # the image that could not be had

    def take(self, event: ev.Event) -> None:
        if isinstance(event, ev.Planned):
            self._plan(event.vertices)
        elif isinstance(event, ev.Warning | ev.Finished | ev.Explained):
            pass
        else:
            told = self._told.get(event.vertex.id)
            if told is not None:
                self._take(told, event)
            elif isinstance(event, ev.Completed) and event.error:
                self._note_failure(event, "")

    def _take(self, told: Told, event: ev.Event) -> None:
        if isinstance(event, ev.Started):
            told.start(event.at_ns)
        elif isinstance(event, ev.Completed):
            if event.error:
                self._note_failure(event, told.digest)
            told.complete(cached=event.cached, error=_error(event), at_ns=event.at_ns)
        elif isinstance(event, ev.Log):
            told.log(event.stream, event.data, event.at_ns)
        elif isinstance(event, ev.Progress):
            self._pull(told, event.message)

    def _note_failure(self, event: ev.Completed, digest: str) -> None:
        if event.error != "context canceled" and not self.failed_line:
            self.failed_line, self.failed = event.vertex.line, digest
            if event.vertex.text.split(None, 1)[0].upper() == "FROM":
                self.failed_base = self._bases.get(event.vertex.stage, "")

    def _plan(self, vertices: tuple[ev.Vertex, ...]) -> None:
        shown: dict[str, list[ev.Vertex]] = {}
        for vertex in vertices:
            if self._shown(vertex):
                shown.setdefault(vertex.stage, []).append(vertex)
        for stage, found in shown.items():
            before: tuple[str, ...] = ()
            for number, vertex in enumerate(found, 1):
                name = f"[{self._prefix(stage)}{number}/{len(found)}] {self._text(vertex)}"
                told = Told(self._job, name, vertex.id, before)
                before = (told.digest,)
                self._told[vertex.id] = told
        self._job.tell(vertexes=[told.plan() for told in self._told.values()])

    def _shown(self, vertex: ev.Vertex) -> bool:
        word = vertex.text.split(None, 1)[0].upper()
        if word == "FROM":
            return self._bases.get(vertex.stage, "") not in ("", "scratch")
        return word in _LAYERS and vertex.line > 0

    def _prefix(self, stage: str) -> str:
        if not self._many:
            return ""
        return f"stage-{stage} " if stage.isdigit() else f"{stage} "

    def _text(self, vertex: ev.Vertex) -> str:
        first, _, rest = vertex.text.partition("\n")
        if first.split(None, 1)[0].upper() == "FROM":
            return f"FROM {full_name(self._bases[vertex.stage])}"
        if rest:
            body, more = rest.rpartition("\n")[0].strip().partition("\n")[::2]
            return f"{first} ({body}{'...' if more else ''})"
        return first

    def _pull(self, told: Told, message: Json) -> None:
        """A message of a pull, as a line below FROM."""
        id, status = str(message.get("id") or ""), str(message.get("status") or "")
        detail = message.get("progressDetail") or {}
        if not id or not status:
            return
        now = time.time_ns()
        key = told.digest, id
        begun = self._pulling.setdefault(key, now)
        found: Json = {
            "id": id, "vertex": told.digest, "name": status.lower(),
            "current": detail.get("current") or 0, "total": detail.get("total") or 0,
            "timestamp": stamp(now), "started": stamp(begun),
        }  # fmt: skip
        if status in ("Pull complete", "Already exists"):
            found["completed"] = stamp(now)
        self._job.tell(statuses=[found])


def full_name(name: str) -> str:
    """`busybox` → `docker.io/library/busybox:latest`, as BuildKit shows images."""
    with contextlib.suppress(OrlopError):
        found = parse_any(name)
        if not isinstance(found, str):
            return str(found.with_default_tag())
    return name


def _error(event: ev.Completed) -> str:
    """Less than the call's own error: what the step says itself."""
    return words(event.cause).removeprefix(CACHE_KEY) if event.cause else event.error
