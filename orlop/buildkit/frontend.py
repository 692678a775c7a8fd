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
from orlop.builder.lint import lint as findings
from orlop.builder.read import read
from orlop.builder.request import Request
from orlop.buildkit import reach
from orlop.buildkit.attributes import Attributes, attributes
from orlop.buildkit.failures import failure, words
from orlop.buildkit.grpc import RpcFailure
from orlop.buildkit.jobs import Job, fresh_id
from orlop.buildkit.lending import Agents, Credentials, Secrets
from orlop.buildkit.sources import Sources
from orlop.buildkit.story import Narrator, Told, full_name
from orlop.buildkit.subrequests import LINT, answer, lint
from orlop.errors import OrlopError
from orlop.image.remove import remove
from orlop.oci import platform as platforms
from orlop.oci.digest import ChainID, ImageID

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
    _lent: bool = False  # another build stands on the image
    _asked_for: bool = False  # its client wants it

    def lend(self) -> str:
        """The ID of an image that another build may stand on. Raises RpcFailure."""
        self._lent = True
        return self._once("last").image

    def carry_out(self, images: str) -> ev.Finished:
        """Run it, once; `images` as in a request. Raises RpcFailure."""
        self._asked_for = self._asked_for or images == "last"
        return self._once(images)

    def _once(self, images: str) -> ev.Finished:
        with self._lock:
            if self.failed is not None:
                raise self.failed
            if self.outcome is None or (images == "last" and not self.outcome.image):
                try:
                    self.outcome = self._run(images)
                except RpcFailure as error:
                    self.failed = error
                    raise
            return self.outcome

    def _run(self, images: str) -> ev.Finished:
        bases = {s.base for s in self.needed if s.base and _stands_in(s.base, self.asked)}
        narrator = Narrator(self.job, self.needed, len(self.document.stages), bases)
        agents = Agents(self.job.session, self.builder.scratch)
        try:
            with closing(agents), self._context() as context:
                request = with_epoch(self._request(context, agents, images))
                request.contexts = self.sources.contexts()
                return self._follow(request, narrator)
        except OrlopError as error:
            self.job.check()
            line = narrator.failed_line
            raise failure(
                error, filename=self.asked.filename, text=self.text, vertex=narrator.failed,
                lines=(line, line and reach.last_line(self.document, line)),
            ) from None  # fmt: skip

    def _follow(self, request: Request, narrator: Narrator) -> ev.Finished:
        self.job.on_cancel(self._cancel)
        found: ev.Finished | None = None
        with closing(building(self.builder, request)) as events:  # type: ignore[type-var]
            for event in events:
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

    def close(self) -> None:
        if self._lent and not self._asked_for and self.outcome is not None:
            self._take_back(self.outcome.image)
        if self.outcome is not None and self.outcome.chain:
            self.builder.images.let_go([ChainID(self.outcome.chain)])
        self.sources.close()

    def _take_back(self, id: str) -> None:
        images = self.builder.images
        known = images.find(ImageID(id))
        if known is not None and not images.references.of(known.id):
            with contextlib.suppress(OrlopError):  # it is of use by now
                remove(images, id)

    def _context(self) -> AbstractContextManager[Context]:
        wanted = reach.files(self.document, self.needed)
        return self.sources.context(wanted)

    def _request(self, context: Context, agents: Agents, images: str) -> Request:
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
            images=images,
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
        _warn(kit.builder, job, sources, asked, text)
        _tell_bases(job, asked, needed)
        sources.read_ignore()
    except OrlopError as error:
        sources.close()
        raise _said(error, job, asked, text) from None
    build = Build(fresh_id(), kit.builder, job, asked, sources, text, document, needed)
    job.builds[build.id] = build
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
                return lint(
                    asked.filename, text, lambda t: findings(kit.builder.images, arguments, t)
                )
            return answer(asked, text)
        except OrlopError as error:
            raise _said(error, job, asked, text) from None


def _sources(kit: Buildkit, job: Job, asked: Attributes) -> Sources:
    return Sources(kit.builder, kit.sessions, kit.kept, job, asked)


def _said(error: OrlopError, job: Job, asked: Attributes, text: str) -> RpcFailure:
    job.check()
    line = reach.line_of(words(error))
    return failure(error, filename=asked.filename, text=text, lines=(line, line))


def _warn(builder: Builder, job: Job, sources: Sources, asked: Attributes, text: str) -> None:
    """What `--check` would say, with the build."""
    info = {"filename": sources.shown, "data": text.encode("utf-8", "surrogateescape")}
    info["language"] = "Dockerfile"
    found = []
    for one in findings(builder.images, dict(asked.arguments), text)[0]:
        place = {"line": one.line}
        found.append({
            "vertex": sources.definition, "level": 1, "url": link(one.rule), "info": info,
            "short": f"{one.rule}: {one.text} (line {one.line})".encode(),
            "ranges": [{"start": place, "end": place}],
        })  # fmt: skip
    if found:
        job.tell(warnings=found)


def _plan(document: ins.Dockerfile, asked: Attributes) -> list[stages.Planned]:
    host = platforms.default()
    target = platforms.parse(asked.platform) if asked.platform else host
    last = stages.target(document, asked.target)
    predefined = stages.platform_arguments(host, target, asked.target)
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
