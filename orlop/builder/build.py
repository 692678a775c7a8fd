"""Build an image: text → stages → steps → layers → image; told as one stream of events.

`build(builder, request)` yields events; closing the iterator cancels. Errors that the request
itself is to blame for are raised before the first event.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from orlop.builder import ignorefile, stages
from orlop.builder import instructions as ins
from orlop.builder.builder import Builder
from orlop.builder.cachefrom import known
from orlop.builder.configure import PROXIES
from orlop.builder.context import Context
from orlop.builder.events import Event, Finished, Planned, Vertex, Warning
from orlop.builder.finish import keep_images, name_image
from orlop.builder.lint import refuse_findings
from orlop.builder.named import Named
from orlop.builder.prune import tidy
from orlop.builder.read import read
from orlop.builder.request import Request
from orlop.builder.session import Cancelled, Session
from orlop.builder.source import FILE, Item, clean, resolve
from orlop.builder.squash import squash
from orlop.builder.stagerun import StageRun, vertex_id
from orlop.builder.state import State
from orlop.errors import InvalidArgument, SystemFailure
from orlop.image.tag import parse_target
from orlop.oci import platform as platforms
from orlop.oci.ignore import Ignore
from orlop.oci.reference import Reference

log = logging.getLogger(__name__)

_SENT = re.compile(r"\.dockerfile\.[0-9a-f]+")  # a client's Dockerfile from outside the context
_TEXT_LIMIT = 16 << 20  # bytes of a Dockerfile
_Queue = queue.SimpleQueue[Event | BaseException | None]


def build(builder: Builder, request: Request) -> Iterator[Event]:
    """Raises an OrlopError: at once for a bad request, at the end for a step that failed."""
    targets = [_target(tag) for tag in request.tags]
    text = dockerfile_of(request)
    document = read(text)
    refuse_findings(builder.images, request, text, document.checks)
    found: _Queue = queue.SimpleQueue()
    named = Named(request.contexts, builder.images, builder.spool)
    session = Session(builder, request, found.put, named)
    session.trusted = known(builder.images, request.cache_from)
    work = _Build(session, document, targets)
    work.plan()
    return _stream(builder, session, work, found)


def _target(tag: str) -> Reference:
    """Docker answers 500 for a name that is none."""
    try:
        found = parse_target(tag)
    except InvalidArgument as error:
        raise SystemFailure(error.message) from None
    if found is None:
        raise SystemFailure("invalid reference format")
    return found


def _stream(builder: Builder, session: Session, work: _Build, found: _Queue) -> Iterator[Event]:
    name = session.request.id or session.token
    with builder.lock:
        builder.cancels[name] = session.cancel
    thread = threading.Thread(target=_work, args=(work, found), name="orlop-build", daemon=True)
    thread.start()
    try:
        while (item := found.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        session.cancel()
        thread.join()
        with builder.lock:
            builder.cancels.pop(name, None)


def _work(work: _Build, found: _Queue) -> None:
    try:
        work.run()
    except BaseException as error:
        found.put(error)
    finally:
        found.put(None)


def dockerfile_of(request: Request) -> str:
    """The text; the context without what its ignore file names."""
    context = request.context
    name = clean(request.dockerfile) or "Dockerfile"
    if ".." in request.dockerfile.split("/"):
        raise SystemFailure(f"forbidden path outside the build context: {request.dockerfile} ()")
    item = resolve(context, request.dockerfile or "Dockerfile")
    if item is None and name == "Dockerfile":
        item = resolve(context, "dockerfile")  # as the classic builder finds it
    text = request.text
    if text is None:
        if item is None or item.kind != FILE:
            raise SystemFailure(f"Cannot locate specified Dockerfile: {request.dockerfile}")
        if item.size == 0:
            raise SystemFailure(f"the Dockerfile ({request.dockerfile}) cannot be empty")
        text = _decoded(context, item)
    ignore = ignore_of(context, name)
    if text is not None and _SENT.fullmatch(name):
        context.forget(name)
        context.forget(ignorefile.beside(name))
    if ignore is not None:
        context.leave_out(ignore)
    return text


def ignore_of(context: Context, name: str) -> Ignore | None:
    """What the ignore file beside a Dockerfile, or that of the context, says."""
    lines = ignorefile.ignored(context, ignorefile.beside(name), ignorefile.NAME)
    return None if lines is None else Ignore(lines)


def _decoded(context: Context, item: Item) -> str:
    return context.content(item, _TEXT_LIMIT).decode("utf-8", "surrogateescape")


@dataclass(eq=False, slots=True)
class _Build:
    session: Session
    document: ins.Dockerfile
    targets: list[Reference]
    scope: dict[str, str] = field(default_factory=dict)
    planned: list[stages.Planned] = field(default_factory=list)
    last: int = 0
    runs: dict[int, StageRun] = field(default_factory=dict)
    failure: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self) -> None:
        """Raises InvalidArgument. Nothing has happened yet."""
        request = self.session.request
        host = platforms.default()
        target = platforms.parse(request.platform) if request.platform else host
        given = {k: v for k, v in request.arguments.items() if v is not None}
        self.last = stages.target(self.document, request.target)
        predefined = stages.platform_arguments(
            host, target, stages.target_name(self.document, request.target)
        )
        self.scope = stages.global_arguments(self.document, given, predefined)
        self.planned = stages.plan(self.document, self.scope, self.session.named)
        wanted = stages.needed(self.planned, self.last)
        number = 1
        total = sum(1 + len(s.stage.commands) for s in wanted) + bool(request.labels)
        for stage in wanted:
            extra = _labels(request) if stage.index == self.last else ()
            vertices = self._vertices(stage, extra, number, total)
            number += len(vertices)
            self.runs[stage.index] = self._stage(stage, vertices, extra)

    def _stage(
        self,
        stage: stages.Planned,
        vertices: tuple[Vertex, ...],
        extra: tuple[ins.Instruction, ...] = (),
    ) -> StageRun:
        return StageRun(
            self.session, self.document, stage, vertices, self.scope, self.state_of, extra
        )

    def _vertices(
        self, stage: stages.Planned, extra: tuple[ins.Instruction, ...], number: int, total: int
    ) -> tuple[Vertex, ...]:
        out: list[Vertex] = []
        token = self.session.token
        for offset, node in enumerate((stage.stage.start, *stage.stage.commands, *extra)):
            before = (out[-1].id,) if out else ()
            id = vertex_id(token, stage.stage.name, offset)
            at = number + offset if number else 0
            out.append(
                Vertex(
                    id, at, total, stage.stage.name, node.text, node.line, before, offset + 1,
                    1 + len(stage.stage.commands) + len(extra), len(self.document.stages),
                )
            )  # fmt: skip
        return tuple(out)

    def state_of(self, index: int) -> State:
        """Waits for a stage; one that only a trigger asks for is begun now."""
        with self.lock:
            run = self.runs.get(index)
            late = run is None
            if run is None:
                stage = self.planned[index]
                run = self.runs[index] = self._stage(stage, self._vertices(stage, (), 0, 0))
        if late:
            run.run()
        return run.result.result()

    def run(self) -> None:
        session = self.session
        lineage = _lineage(session.request, self.targets)
        try:
            if session.request.explain:
                session.before = session.cache.inputs(lineage)
            session.emit(Planned(tuple(v for r in self.runs.values() for v in r.vertices)))
            for line, text in self.document.warnings:
                session.emit(Warning(f"[WARNING]: {text}", line))
            self._run_stages(list(self.runs.values()))
            failed = self.failure
            final = self._finish(lineage, failed)
            if final is None:
                assert failed is not None
                raise failed
            names = tuple(t.familiar for t in self.targets)
            materials = tuple(sorted(session.materials.items()))
            session.emit(
                Finished(
                    final.image_id, names, final.chain or "", final.document(), materials=materials
                )
            )
        finally:
            session.close()

    def _run_stages(self, runs: list[StageRun]) -> None:
        if len(runs) == 1:
            self._run_one(runs[0])
            return
        threads = [
            threading.Thread(target=self._run_one, args=(run,), name="orlop-stage", daemon=True)
            for run in runs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _run_one(self, run: StageRun) -> None:
        run.run()
        error = run.result.exception()
        if error is None:
            return
        with self.lock:
            if self.failure is None or isinstance(self.failure, Cancelled):
                self.failure = error
        self.session.cancel()

    def _finish(self, lineage: str, failed: BaseException | None) -> State | None:
        """What was made is kept, also by a build that failed: the next one goes on from it."""
        session, builder = self.session, self.session.builder
        builder.layers.settle(session.chains)
        trails = [run.trail for run in self.runs.values()]
        seen = {state.image_id for trail in trails for state in trail}
        builder.images.keep(session.cache.save(session.made, session.used, seen))
        session.cache.save_inputs(lineage, session.inputs)
        if session.made:
            tidy(builder)
        if failed is not None:
            if not session.request.listed:
                return None
            try:
                keep_images(builder, self._trail_of_failure())
            except OSError as error:  # most likely what it failed of: a full disk
                log.warning("steps of a failed build are not listed: %s", error)
            return None
        trail = self._trail(self.last)
        self._warn_unused()
        if session.request.squash:
            trail = [*trail, squash(session, self._base(self.last), trail[-1])]
        if session.request.listed:
            image = keep_images(builder, trail)
            for target in self.targets:
                name_image(builder, target, image)
        return trail[-1]

    def _warn_unused(self) -> None:
        session = self.session
        known = session.consumed | {a.key for arg in self.document.arguments for a in arg.arguments}
        left = sorted(set(session.request.arguments) - known - PROXIES - {"SOURCE_DATE_EPOCH"})
        left = [name for name in left if not name.startswith("BUILDKIT_")]
        if left:
            session.emit(
                Warning(f"[Warning] One or more build-args [{' '.join(left)}] were not consumed")
            )

    def _trail(self, index: int) -> list[State]:
        """States from the first base up to the stage's end."""
        on = self.planned[index].on
        own = self.runs[index].trail
        if on is None:
            return own
        below = self._trail(on)
        same = below[-1].image_id == own[0].image_id  # no trigger came between
        return [*below, *own[same:]]

    def _base(self, index: int) -> State:
        on = self.planned[index].on
        return self._base(on) if on is not None else self.runs[index].trail[0]

    def _trail_of_failure(self) -> list[State]:
        for index, run in self.runs.items():
            if run.result.done() and run.result.exception() is self.failure and run.trail:
                return self._trail(index)
        return []


def _labels(request: Request) -> tuple[ins.Instruction, ...]:
    if not request.labels:
        return ()
    pairs = tuple(ins.Pair(_quoted(k), _quoted(v)) for k, v in sorted(request.labels.items()))
    text = "LABEL " + " ".join(f"{k}={v}" for k, v in sorted(request.labels.items()))
    return (ins.Label(pairs, text=text),)


def _quoted(text: str) -> str:
    """As one word that means itself."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _lineage(request: Request, targets: list[Reference]) -> str:
    """Builds of one name, file and target are compared with each other."""
    name = targets[0].familiar if targets else ""
    return "\0".join((name, request.dockerfile, request.target))


def with_epoch(request: Request) -> Request:
    """SOURCE_DATE_EPOCH as a build argument is the image's time. Raises InvalidArgument."""
    text = request.arguments.get("SOURCE_DATE_EPOCH")
    if not text:
        return request
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise InvalidArgument(f"invalid SOURCE_DATE_EPOCH: {text}")
    return replace(request, epoch=int(text))
