"""Where a build's Dockerfile and context come from: the client's session, an upload, git, a URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import BinaryIO, Protocol, cast
from urllib.parse import urlsplit

from orlop.builder import ignorefile
from orlop.builder.builder import Builder
from orlop.builder.context import Context
from orlop.builder.git import load_git
from orlop.builder.remote import is_git, load_url, looks_like_archive
from orlop.builder.source import FILE, resolve
from orlop.buildkit import messages as m
from orlop.buildkit.attributes import Attributes
from orlop.buildkit.diffcopy import Wanted, receive
from orlop.buildkit.jobs import Job
from orlop.buildkit.session import Session, Sessions
from orlop.buildkit.story import Told
from orlop.errors import InvalidArgument, NotSupported
from orlop.protobuf import decode
from orlop.storage.compression import Reader

_UPLOADS = "buildkit-session"  # the host of URLs that the session itself answers
_PULL = "/moby.upload.v1.Upload/Pull"
_LOCAL = "local:"
_INPUT = "input:"
_PIECE = 1 << 18
_HEAD = 512  # bytes that tell a tar
_TEXT_LIMIT = 16 << 20  # bytes of a Dockerfile


class Lender(Protocol):
    """Another build that this one may stand on."""

    def borrow(self) -> None: ...

    def give_back(self) -> None: ...

    def lend(self) -> str:
        """An image's ID."""


class Sources:
    """Close it."""

    def __init__(self, builder: Builder, sessions: Sessions, job: Job, asked: Attributes) -> None:
        self._builder = builder
        self._sessions = sessions
        self._job = job
        self._asked = asked
        self._remote: Context | None = None  # one that does not come as files of the session
        self.ignore: list[str] | None = None  # what the context leaves out
        self._stack = ExitStack()  # what is closed with this
        self._inputs: dict[str, Lender] = {}
        self._beside: list[str] | None = None  # what the file beside the Dockerfile says
        self.shown = asked.filename.rpartition("/")[2]  # the Dockerfile's name
        self.definition = ""  # the vertex that loaded it

    def close(self) -> None:
        self._stack.close()
        if self._remote is not None:
            self._remote.close()
            self._remote = None

    def stand_on(self, key: str, lender: Lender) -> None:
        """What the attribute `input:KEY` means."""
        lender.borrow()
        self._stack.callback(lender.give_back)
        self._inputs[key] = lender

    # --- the Dockerfile -----------------------------------------------------------------------

    def dockerfile(self) -> str:
        """Its text. Raises InvalidArgument, RpcFailure."""
        asked = self._asked
        if self._job.body is not None:
            self._remote = Context(self._builder.spool)
            self._take_body(self._remote, self._job.body)
        elif asked.context:
            self._load_remote(asked.context)
        name = asked.filename
        if self._remote is not None and not asked.own_dockerfile:
            return self._read(self._remote, name)
        told = Told(self._job, f"[internal] load build definition from {self.shown}")
        self.definition = told.digest
        with told.during():
            wanted = [name, ignorefile.beside(name)]
            if name == "Dockerfile":
                wanted.append("dockerfile")
            with closing(Context(self._builder.spool)) as found:
                transfer = Wanted(asked.dockerfile_name, follow=wanted)
                self._receive(found, told, "transferring dockerfile:", transfer)
                return self._read(found, name)

    def _read(self, context: Context, name: str) -> str:
        item = resolve(context, name)
        if item is None and name == "Dockerfile":
            item = resolve(context, "dockerfile")
        if item is None or item.kind != FILE:
            raise InvalidArgument(
                f"failed to read dockerfile: open {name}: no such file or directory"
            )
        self._beside = ignorefile.ignored(context, ignorefile.beside(name))
        return _text(context, item)

    # --- the context --------------------------------------------------------------------------

    def read_ignore(self) -> None:
        """What the context leaves out."""
        if self._remote is not None:
            return  # the builder reads it there
        told = Told(self._job, f"[internal] load {ignorefile.NAME}")
        with told.during():
            self.ignore = self._beside
            if self.ignore is None:
                with closing(Context(self._builder.spool)) as found:
                    transfer = Wanted(self._asked.context_name, follow=[ignorefile.NAME])
                    self._receive(found, told, "transferring context:", transfer)
                    self.ignore = ignorefile.ignored(found)

    @contextmanager
    def context(self, files: Sequence[str] | None) -> Iterator[Context]:
        """`files`: all that is read of it, None for everything."""
        if self._remote is not None:
            yield self._remote
        elif files is not None and not files:
            with closing(Context(self._builder.spool)) as empty:
                yield empty
        else:
            wanted = Wanted(self._asked.context_name, follow=files or (), exclude=self.ignore or ())
            told = Told(self._job, "[internal] load build context")
            with self._sent(told, "transferring context:", wanted) as context:
                yield context

    @contextmanager
    def _sent(self, told: Told, shown: str, wanted: Wanted) -> Iterator[Context]:
        """A directory of the client's, less what it sent lately."""
        key = self._session(wanted.name).shared_key, wanted.name
        known = self._builder.kept.take(key)
        context = Context(self._builder.spool) if known is None else known
        try:
            with told.during():
                self._receive(context, told, shown, wanted)
            yield context
        finally:
            self._builder.kept.keep(key, context)  # after a failed build it is as good

    def contexts(self) -> dict[str, Context | str]:
        """The named ones, as a request has them; those of the client's files are fetched now."""
        out: dict[str, Context | str] = {}
        for name, where in self._asked.contexts.items():
            if where.startswith(_LOCAL):
                out[name] = self._named(name, where.removeprefix(_LOCAL))
            elif where.startswith(_INPUT):
                out[name] = self._input(name, where.removeprefix(_INPUT))
            else:
                out[name] = where
        return out

    def _input(self, name: str, key: str) -> str:
        lender = self._inputs.get(key)
        if lender is None:
            raise NotSupported(f"context {name} is not supported: no such input")
        return f"docker-image://{lender.lend()}"

    def _named(self, name: str, directory: str) -> Context:
        ignored = Context(self._builder.spool)
        with closing(ignored):
            told = Told(self._job, f"[context {name}] load {ignorefile.NAME}")
            with told.during():
                wanted = Wanted(directory, follow=[ignorefile.NAME])
                self._receive(ignored, told, f"transferring {name}:", wanted)
            lines = ignorefile.ignored(ignored)
        told = Told(self._job, f"[context {name}] load from client")
        wanted = Wanted(directory, exclude=lines or ())
        return self._stack.enter_context(self._sent(told, f"transferring {name}:", wanted))

    def _receive(self, context: Context, told: Told, shown: str, wanted: Wanted) -> None:
        session = self._session(wanted.name)
        with told.part(shown, "transferring") as status:

            def progress(size: int) -> None:
                self._job.check()
                status["current"] = size

            receive(session, wanted, context, progress)

    def _session(self, name: str) -> Session:
        """The one that has a directory: bake shares one among its builds."""
        other = self._asked.sessions.get(name)
        return self._sessions.get(other) if other else self._job.session

    # --- contexts from elsewhere --------------------------------------------------------------

    def _load_remote(self, where: str) -> None:
        context = self._remote = Context(self._builder.spool)
        if urlsplit(where).hostname == _UPLOADS:
            self._upload(context, where)
        elif is_git(where):
            with Told(self._job, f"[internal] load git source {where}").during():
                load_git(context, where, self._builder.spool)
        elif where.startswith(("http://", "https://")):
            with Told(self._job, f"[internal] load remote build context {where}").during():
                load_url(self._builder.images, context, where)
        else:
            raise NotSupported(f"context {where} is not supported")

    def _upload(self, context: Context, where: str) -> None:
        """A tar, or a lone Dockerfile, that the client holds ready."""
        call = self._job.session.open(_PULL, {"urlpath": [urlsplit(where).path]})
        with Told(self._job, "[internal] load remote build context").during(), closing(call):

            def chunks() -> Iterator[bytes]:
                while (data := call.receive()) is not None:
                    self._job.check()
                    yield decode(m.CHUNK, data).get("data", b"")

            _fill(context, chunks())
        self._tell_copy()

    def _take_body(self, context: Context, body: BinaryIO) -> None:
        with Told(self._job, "[internal] load remote build context").during():
            _fill(context, iter(lambda: body.read(_PIECE), b""))
        self._tell_copy()

    def _tell_copy(self) -> None:
        """BuildKit unpacks it in a step of its own; here it was indexed while it came."""
        with Told(self._job, "copy /context /").during():
            pass


def _fill(context: Context, pieces: Iterator[bytes]) -> None:
    """By a tar, or by a lone Dockerfile."""
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= _HEAD:
            break

    def chunks() -> Iterator[bytes]:
        yield first
        yield from pieces

    if looks_like_archive(first):
        context.load(cast(BinaryIO, Reader(chunks())))
    else:
        context.add_stream("Dockerfile", chunks(), 0o644)


def _text(context: Context, item: object) -> str:
    data = context.content(item, _TEXT_LIMIT)  # type: ignore[arg-type]
    return data.decode("utf-8", "surrogateescape")
