"""One stage, from its base to its last instruction: the steps in order, each from the state before.

Stages run side by side; one that needs another's files waits for it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from orlop.builder import configure, runmounts, stages
from orlop.builder import instructions as ins
from orlop.builder.base import resolve_base
from orlop.builder.cache import Hit
from orlop.builder.context import Context
from orlop.builder.events import Completed, Started, Vertex
from orlop.builder.layer import sealed, writable
from orlop.builder.modes import owner
from orlop.builder.read import trigger
from orlop.builder.run import run
from orlop.builder.session import Session
from orlop.builder.state import State, of_image, scratch
from orlop.builder.transfer import transfer
from orlop.container.volumes import make_directory
from orlop.errors import InvalidArgument, OrlopError
from orlop.image.times import parse_ns
from orlop.oci import platform as platforms
from orlop.oci.platform import Platform
from orlop.paths import Root


@dataclass(eq=False, slots=True)
class StageRun:
    session: Session
    document: ins.Dockerfile
    planned: stages.Planned
    vertices: tuple[Vertex, ...]  # FROM first, then one per command
    globals: dict[str, str]
    state_of: Callable[[int], State]  # waits for another stage
    extra: tuple[ins.Instruction, ...] = ()  # commands of the request's own
    result: Future[State] = field(default_factory=Future)
    trail: list[State] = field(default_factory=list)  # after each step

    @property
    def name(self) -> str:
        return self.planned.stage.name

    def run(self) -> None:
        """Never raises: the outcome is in `result`."""
        try:
            self.result.set_result(self._run())
        except BaseException as error:
            self.result.set_exception(error)

    def _run(self) -> State:
        state = self._step(self.vertices[0], lambda: (self._begin(self.vertices[0]), False))
        commands = (*self.planned.stage.commands, *self.extra)
        for number, (command, vertex) in enumerate(zip(commands, self.vertices[1:], strict=True)):
            place = f"{self.name}/{number}"
            before = state
            state = self._step(
                vertex,
                lambda c=command, v=vertex, b=before, p=place: self._command(c, v, b, p),  # type: ignore[misc]
            )
        return state

    def _step(self, vertex: Vertex, work: Callable[[], tuple[State, bool]]) -> State:
        session = self.session
        session.check()
        session.emit(Started(vertex, time.time_ns()))
        try:
            state, cached = work()
        except BaseException as error:
            text = error.message if isinstance(error, OrlopError) else str(error)
            session.emit(Completed(vertex, time.time_ns(), error=text or "failed", cause=error))
            raise
        self.trail.append(state)
        session.emit(Completed(vertex, time.time_ns(), state.image_id, cached))
        return state

    # --- FROM ---------------------------------------------------------------------------------

    def _platform(self) -> Platform:
        text = self.planned.platform or self.session.request.platform
        return platforms.parse(text) if text else platforms.default()

    def _begin(self, vertex: Vertex) -> State:
        planned, session = self.planned, self.session
        if planned.on is not None:
            below = self.state_of(planned.on)
            below = replace(below, arguments={}, declared=frozenset(), winning=frozenset())
            return self._triggered(vertex, below)
        named = session.named.get(planned.base, session.check)
        if isinstance(named, Context):
            return self._files(vertex, named)
        base = named or planned.base
        if base == "scratch":
            return scratch(self._platform(), _epoch(session, ""))
        wanted = planned.platform or session.request.platform
        image = resolve_base(session, vertex, base, wanted)
        if image.chain is not None:
            session.hold(image.chain)
        found = platforms.from_dict(image.config)
        state = of_image(image, found, _epoch(session, image.created))
        return self._triggered(vertex, state)

    def _files(self, vertex: Vertex, context: Context) -> State:
        """FROM a named context: its files are the stage's."""
        state = scratch(self._platform(), _epoch(self.session, ""))
        node = ins.Copy(
            (".",), target="/", source_stage="context", line=vertex.line, text=vertex.text
        )
        state, _ = transfer(
            self.session, state, node, vertex, f"{self.name}/from", self.name,
            self.document.escape, lambda _: context,
        )  # fmt: skip
        return state

    def _triggered(self, vertex: Vertex, state: State) -> State:
        """After the ONBUILD instructions of what it stands on."""
        session = self.session
        triggers = state.config.get("OnBuild") or []
        if not triggers:
            return state
        many = "" if len(triggers) == 1 else "s"
        session.note(vertex, f"# Executing {len(triggers)} build trigger{many}\n")
        state = state.with_config(OnBuild=None)
        for number, text in enumerate(triggers):
            try:
                command = trigger(text)
            except InvalidArgument as error:
                raise InvalidArgument(f"{error.message}: ONBUILD {text}") from None
            if isinstance(command, ins.From | ins.Maintainer | ins.Onbuild):
                raise InvalidArgument(f"{command.name} isn't allowed as an ONBUILD trigger")
            place = f"{self.name}/onbuild/{number}"
            inner = replace(vertex, text=text)
            state, _ = self._command(command, inner, state, place)
        return state

    # --- the rest -----------------------------------------------------------------------------

    def _command(
        self, node: ins.Instruction, vertex: Vertex, state: State, place: str
    ) -> tuple[State, bool]:
        escape = self.document.escape
        session = self.session
        if isinstance(node, ins.Run):
            mounts = runmounts.plan(session, state, node, escape, self._files_of)
            return run(session, state, node, vertex, place, self.name, mounts)
        if isinstance(node, ins.Copy | ins.Add):
            return transfer(session, state, node, vertex, place, self.name, escape, self._files_of)
        if isinstance(node, ins.Workdir):
            return self._workdir(node, vertex, state, place)
        if isinstance(node, ins.Arg):
            changed = self._argument(node, state)
        else:
            changed = configure.configure(state, node, escape)
        return changed, not session.bypass(self.name) and session.cache.seen(changed.image_id)

    def _argument(self, node: ins.Arg, state: State) -> State:
        request = self.session.request
        given = {k: v for k, v in request.arguments.items() if v is not None}
        known = {**self.globals, **given}
        for argument in node.arguments:
            self.session.consumed.add(argument.key)
            # A global ARG counts only where the stage gives no default of its own
            own = argument.value is not None and argument.key not in given
            if own and argument.key not in _PREDEFINED:
                known.pop(argument.key, None)
        changed, text = configure.declare(state, node, self.document.escape, known)
        return changed.stepped(f"{' '.join(state.shell)} #(nop)  {text}", None)

    def _workdir(
        self, node: ins.Workdir, vertex: Vertex, state: State, place: str
    ) -> tuple[State, bool]:
        session = self.session
        path = configure.workdir(state, node, self.document.escape)
        state = state.with_config(WorkingDir=path)
        user = state.config.get("User") or ""
        history = f"{' '.join(state.shell)} #(nop) WORKDIR {path}"
        inputs = {"op": "workdir", "parent": state.chain or "", "path": path, "epoch": state.epoch}
        if user:
            inputs["user"] = user
        hit = session.look_up(vertex, self.name, place, inputs, state, history)
        if hit is not None:
            return state.stepped(history, hit.diff), True
        found: Hit
        if path == "/":
            found, size = Hit(state.chain, None), 0
        else:
            with writable(session, state) as (name, root):
                make_directory(root, path, *_ids(root, user))
                found, size = sealed(session, state, name)
        session.made_step(inputs, found, vertex.text, size)
        return state.stepped(history, found.diff), False

    def _files_of(self, name: str) -> State | Context:
        """The stage, named context or image that `--from` means."""
        index = stages.find(self.document, name, self.planned.index)
        if index is not None:
            return self.state_of(index)
        named = self.session.named.get(name, self.session.check)
        if isinstance(named, Context):
            return named
        name = named or name
        if name == "scratch":
            return scratch(self._platform(), 0)
        image = resolve_base(self.session, self.vertices[0], name, "")
        if image.chain is not None:
            self.session.hold(image.chain)
        return of_image(image, platforms.from_dict(image.config), 0)


_PREDEFINED = frozenset(stages.platform_arguments(platforms.default(), platforms.default()))
_EARLIEST = 315532800  # 1980: what zip archives can hold


def _ids(root: Root, user: str) -> tuple[int, int]:
    """Whose a working directory is: the USER's; root's when the image does not know them."""
    try:
        return owner(root, user) if user else (0, 0)
    except OrlopError:
        return 0, 0


def _epoch(session: Session, created: str) -> int:
    """No time in the image is later than this: the base's own time, unless the user says."""
    if session.request.epoch is not None:
        return session.request.epoch
    return max(_EARLIEST, parse_ns(created) // 10**9)


def vertex_id(token: str, stage: str, number: int) -> str:
    text = f"{token}/{stage}/{number}"
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
