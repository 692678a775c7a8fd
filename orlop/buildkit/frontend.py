"""`dockerfile.v0`: from a client's attributes to a build that can be carried out once.

Reading the file and planning comes first, as what is wrong with them is said before anything is
done; the context is fetched and the steps run when somebody asks for the outcome.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orlop.builder import events as ev
from orlop.builder import instructions as ins
from orlop.builder import named, stages
from orlop.builder.build import build as building
from orlop.builder.build import with_epoch
from orlop.builder.builder import Builder
from orlop.builder.check import link
from orlop.builder.context import Context
from orlop.builder.finish import keep_image
from orlop.builder.lint import lint as findings
from orlop.builder.parser import Malformed, parse
from orlop.builder.read import read
from orlop.builder.request import Request
from orlop.buildkit import caches, reach
from orlop.buildkit.attributes import Attributes, attributes
from orlop.buildkit.failures import failure, words
from orlop.buildkit.grpc import RpcFailure
from orlop.buildkit.jobs import Job, fresh_id
from orlop.buildkit.lending import Agents, Credentials, Secrets
from orlop.buildkit.refusals import HOST_NETWORK, Refused, refuse
from orlop.buildkit.sources import Sources
from orlop.buildkit.story import Narrator, Told, full_name
from orlop.buildkit.subrequests import LINT, answer, lint
from orlop.errors import OrlopError, SystemFailure
from orlop.image.remove import remove
from orlop.oci import platform as platforms
from orlop.oci.digest import ChainID, ImageID
from orlop.oci.ignore import Ignore

if TYPE_CHECKING:
    from orlop.buildkit.buildkit import Buildkit

Json = dict[str, Any]


@dataclass(eq=False, slots=True)
class Build:
    """One Dockerfile, read and planned."""

    id: str
    builder: Builder
    job: Job
    asked: Attributes
    sources: Sources
    text: str
    document: ins.Dockerfile
    needed: list[stages.Planned]
    outcome: ev.Finished | None = None
    failed: RpcFailure | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _users: int = 0  # other builds that stand on it
    _over: bool = False  # its own job is
    _lent: str = ""  # the image that is there for them only

    def carry_out(self) -> ev.Finished:
        """Run it, once. Raises RpcFailure."""
        with self._lock:
            if self.failed is not None:
                raise self.failed
            if self.outcome is None:
                try:
                    self.outcome = self._run()
                except RpcFailure as error:
                    self.failed = error
                    raise
            return self.outcome

    def borrow(self) -> None:
        """Another build will stand on it; it calls `give_back` at its end."""
        with self._counting:
            self._users += 1

    def give_back(self) -> None:
        with self._counting:
            self._users -= 1
            last = self._over and not self._users
        if last:
            self._let_go()

    def close(self) -> None:
        """Its own job is over."""
        with self._counting:
            self._over = True
            last = not self._users
        self.sources.close()
        if last:
            self._let_go()

    def lend(self) -> str:
        """The ID of an image that another build may stand on. Raises RpcFailure."""
        outcome = self.carry_out()
        with self._counting:
            known = self.builder.images.find(ImageID(outcome.image))
            found = keep_image(self.builder, outcome.document)
            if known is None:
                self._lent = found
        return found

    def asked_for(self) -> None:
        """Its client wants the image."""
        with self._counting:
            self._lent = ""

    def _let_go(self) -> None:
        images = self.builder.images
        if self._lent and not images.references.of(ImageID(self._lent)):
            with contextlib.suppress(OrlopError):  # it is of use by now
                remove(images, self._lent)
        if self.outcome is not None and self.outcome.chain:
            images.let_go([ChainID(self.outcome.chain)])

    def _run(self) -> ev.Finished:
        bases = {s.base for s in self.needed if s.base and _stands_in(s.base, self.asked)}
        narrator = Narrator(self.job, self.needed, len(self.document.stages), bases)
        agents = Agents(self.job.session, self.builder.scratch)
        credentials = Credentials(self.job.session)
        caches.fetch(self.builder.images, self.job, self.asked.cache_from, credentials)
        caches.tell_unknown(self.job, self.asked.cache_kinds)
        try:
            with closing(agents), self._context() as context:
                request = with_epoch(self._request(context, agents))
                request.contexts = self.sources.contexts()
                return self._follow(request, narrator)
        except OrlopError as error:
            self.job.check()
            line, base = narrator.failed_line, narrator.failed_base
            if base:
                full = full_name(base)
                text = f"{base}: failed to resolve source metadata for {full}: {words(error)}"
                error = SystemFailure(text)
            raise failure(
                error, filename=self.asked.filename, text=self.text, vertex=narrator.failed,
                lines=(line, line and reach.last_line(self.document, line)),
            ) from None  # fmt: skip

    def _follow(self, request: Request, narrator: Narrator) -> ev.Finished:
        self.job.on_cancel(self._cancel)
        found: ev.Finished | None = None
        with closing(building(self.builder, request)) as events:  # type: ignore[type-var]
            for event in events:
                self.job.check()  # a cancel may have come before the builder knew of it
                narrator.take(event)
                if isinstance(event, ev.Finished):
                    found = event
                    self._hold(event)
        assert found is not None
        return found

    def _cancel(self) -> None:
        """It waits for containers, which whoever noticed must not."""
        threading.Thread(
            target=self.builder.cancel, args=(self.id,), name="orlop-cancel", daemon=True
        ).start()

    def _hold(self, event: ev.Finished) -> None:
        if event.chain:
            self.builder.images.keep([ChainID(event.chain)])

    def _context(self) -> AbstractContextManager[Context]:
        wanted = None if self._may_be_triggered() else reach.files(self.document, self.needed)
        return self.sources.context(wanted)

    def _may_be_triggered(self) -> bool:
        """ONBUILD of a base, which perhaps is still to be pulled, may take any of the context."""
        if any(stages.triggered(self.document, planned) for planned in self.needed):
            return True
        bases = {s.base for s in self.needed} - {"", "scratch"}
        try:
            found = [self.builder.images.get(base) for base in bases]
        except OrlopError:
            return True
        return any(image.run_config.get("OnBuild") for image in found)

    def _request(self, context: Context, agents: Agents) -> Request:
        asked, session = self.asked, self.job.session
        return Request(
            context,
            asked.filename,
            self.text,
            (),
            asked.target,
            asked.arguments,
            asked.labels,
            asked.platform,
            asked.no_cache,
            asked.no_cache_stages,
            asked.cache_from,
            asked.pull,
            True,
            True,
            False,
            asked.network,
            asked.host,
            Credentials(session),
            Secrets(session),
            agents,
            insecure="security.insecure" in self.job.request.get("entitlements", ()),
            host_network=HOST_NETWORK in self.job.request.get("entitlements", ()),
            listed=False,
            id=self.id,
        )


def prepare(kit: Buildkit, job: Job, found: Mapping[str, str]) -> Build:
    """Read the Dockerfile, plan. Raises RpcFailure."""
    asked = attributes(found)
    sources = _sources(kit, job, asked)
    text = ""
    try:
        text = sources.dockerfile()
        document = read(text)
        needed = _plan(document, asked)
        refuse(job, asked, needed)
        _warn(kit.builder, job, sources, asked, text)
        _tell_bases(job, asked, needed)
        sources.read_ignore()
    except OrlopError as error:
        sources.close()
        raise _said(error, job, asked, text) from None
    build = Build(fresh_id(), kit.builder, job, asked, sources, text, document, needed)
    job.add(build)
    return build


def question(kit: Buildkit, job: Job, found: Mapping[str, str]) -> dict[str, bytes]:
    """What a subrequest asks about a Dockerfile: a result's metadata. Raises RpcFailure."""
    asked = attributes(found)
    text = ""
    arguments: Mapping[str, str | None] = dict(asked.arguments)
    with closing(_sources(kit, job, asked)) as sources:
        try:
            text = sources.dockerfile()
            if asked.request == LINT:
                sources.read_ignore()
                images, ignore = kit.builder.images, Ignore(sources.ignore or ())
                return lint(
                    asked.filename, text,
                    lambda t: findings(images, arguments, t, ignore, asked.platform, asked.target),
                )  # fmt: skip
            return answer(asked, text)
        except OrlopError as error:
            raise _said(error, job, asked, text) from None


def _sources(kit: Buildkit, job: Job, asked: Attributes) -> Sources:
    return Sources(kit.builder, kit.sessions, job, asked)


def _said(error: OrlopError, job: Job, asked: Attributes, text: str) -> RpcFailure:
    job.check()
    lines = (0, 0)
    if isinstance(error, Refused):
        lines = error.line, error.line
    elif isinstance(error, Malformed):
        lines = error.line, error.last
    return failure(error, filename=asked.filename, text=text, lines=lines)


def _warn(builder: Builder, job: Job, sources: Sources, asked: Attributes, text: str) -> None:
    """What `--check` would say, with the build."""
    info = {"filename": sources.shown, "data": text.encode("utf-8", "surrogateescape")}
    info["language"] = "Dockerfile"
    found = []
    arguments: Mapping[str, str | None] = dict(asked.arguments)
    found_all, _ = findings(
        builder.images, arguments, text, platform=asked.platform, target=asked.target
    )
    last = {node.line: node.last_line for node in parse(text).nodes}
    for one in found_all:
        place, end = {"line": one.line}, {"line": last.get(one.line, one.line)}
        found.append({
            "vertex": sources.definition, "level": 1, "url": link(one.rule), "info": info,
            "short": f"{one.rule}: {one.text} (line {one.line})".encode(),
            "ranges": [{"start": place, "end": end}],
        })  # fmt: skip
    if found:
        job.tell(warnings=found)


def _plan(document: ins.Dockerfile, asked: Attributes) -> list[stages.Planned]:
    host = platforms.default()
    target = platforms.parse(asked.platform) if asked.platform else host
    last = stages.target(document, asked.target)
    predefined = stages.platform_arguments(host, target, stages.target_name(document, asked.target))
    scope = stages.global_arguments(document, asked.arguments, predefined)
    names = {named.key(name) for name in asked.contexts}
    return stages.needed(stages.plan(document, scope, names), last)


def _stands_in(name: str, asked: Attributes) -> bool:
    """A named context does, for this image."""
    return bool(asked.contexts) and named.key(name) in {named.key(n) for n in asked.contexts}


def _tell_bases(job: Job, asked: Attributes, needed: list[stages.Planned]) -> None:
    bases = [s.base for s in needed if s.base not in ("", "scratch")]
    names = dict.fromkeys(full_name(name) for name in bases if not _stands_in(name, asked))
    for name in names:
        with Told(job, f"[internal] load metadata for {name}").during():
            pass
