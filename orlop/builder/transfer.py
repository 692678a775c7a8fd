"""COPY and ADD: select, look up by content, else place into a new layer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

from orlop.builder import instructions as ins
from orlop.builder.addfrom import fetch
from orlop.builder.configure import absolute
from orlop.builder.context import Context
from orlop.builder.events import Vertex
from orlop.builder.layer import sealed, writable
from orlop.builder.modes import Chmod, owner
from orlop.builder.place import Placing
from orlop.builder.remote import is_git, is_url, looks_like_archive
from orlop.builder.select import Picked, contents, digest_of, pick
from orlop.builder.session import Session
from orlop.builder.source import DIRECTORY, FILE, Item, Source, clean
from orlop.builder.state import State
from orlop.errors import InvalidArgument
from orlop.oci.ignore import Ignore
from orlop.paths import Root
from orlop.storage import tar
from orlop.storage.compression import Reader, decompressed, read_head
from orlop.storage.unpack import unpack

Json = dict[str, Any]


class SourceMissing(InvalidArgument):
    """No such file in a context or stage; `path` as the instruction has it."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(slots=True)
class Part:
    """What comes from one source."""

    source: Source
    picked: list[Picked]
    whole: bool = False  # an archive that came from elsewhere: not unpacked unless asked for
    git: bool = False


@dataclass(slots=True)
class _Words:
    """The instruction, expanded."""

    sources: list[str]
    inlines: list[ins.Inline]
    target: str
    chown: str
    chmod: str
    excludes: list[str]
    parts: list[Part] = field(default_factory=list)


def transfer(
    session: Session, state: State, node: ins.Copy | ins.Add, vertex: Vertex, place: str,
    stage: str, escape: str, stage_of: Callable[[str], State | Context],
) -> tuple[State, bool]:  # fmt: skip
    """(state after it, whether the cache had it). Raises an OrlopError."""
    words = _expanded(state, node, escape)
    Chmod(words.chmod)
    with ExitStack() as stack:
        other = _other(node, stage_of)
        source = _source(session, other, stack)
        _gather(session, node, words, source, stack)
        _check(node, words)
        ignore = Ignore(words.excludes) if words.excludes else None
        files = _files(session, node, words, other, ignore)
        digest = _digest(words, files)
        inputs: Json = {
            "op": node.name.lower(),
            "parent": state.chain or "",
            "files": digest,
            "target": _target(state, words.target),
            "chown": words.chown,
            "chmod": words.chmod,
            "epoch": state.epoch,
            "unpack": node.unpack if isinstance(node, ins.Add) else False,
        }
        history = _history(state, node, words, digest)
        hit = session.look_up(vertex, stage, place, inputs, state, history, files)
        if hit is not None:
            return state.stepped(history, hit.diff), True
        session.check()
        with writable(session, state) as (name, root):
            _place(session, state, node, words, root, ignore)
            found, size = sealed(session, state, name)
        session.made_step(inputs, found, vertex.text, size)
        return state.stepped(history, found.diff), False


def _expanded(state: State, node: ins.Copy | ins.Add, escape: str) -> _Words:
    lexer, scope = state.expand(escape)
    inlines = [
        replace(i, data=replace(lexer, skip_quotes=True).word(i.data, scope)) if i.expand else i
        for i in node.inlines
    ]
    return _Words(
        [lexer.word(s, scope) for s in node.sources],
        inlines,
        lexer.word(node.target, scope),
        lexer.word(node.chown, scope),
        lexer.word(node.chmod, scope),
        [lexer.word(e, scope) for e in node.excludes],
    )


def _other(
    node: ins.Copy | ins.Add, stage_of: Callable[[str], State | Context]
) -> State | Context | None:
    if isinstance(node, ins.Copy) and node.source_stage:
        return stage_of(node.source_stage)
    return None


def _source(session: Session, other: State | Context | None, stack: ExitStack) -> Source:
    if other is None:
        return session.request.context
    if isinstance(other, Context):
        return other
    if other.chain is None:
        empty = Context(session.spool)
        stack.callback(empty.close)
        return empty
    return stack.enter_context(contextlib.closing(session.tree(other.chain)))


def _gather(
    session: Session, node: ins.Copy | ins.Add, words: _Words, source: Source, stack: ExitStack
) -> None:
    local: list[Picked] = []
    parents = isinstance(node, ins.Copy) and node.parents
    for text in words.sources:
        if isinstance(node, ins.Add) and (is_url(text) or is_git(text)):
            found = fetch(session, node, text, words.target)
            stack.callback(found.close)
            top = Picked(found.item(""), "")  # type: ignore[arg-type]
            git = is_git(text)
            picked = [top] if git else pick(found, found.names("")[0])
            words.parts.append(Part(found, picked, whole=not git and not node.unpack, git=git))
            continue
        local += _local(node, source, text, parents)
    if words.inlines:
        made = Context(session.spool)
        stack.callback(made.close)
        for inline in words.inlines:
            made.add_file(clean(inline.path), inline.data.encode("utf-8", "surrogateescape"))
        picked = [Picked(made.item(clean(i.path)), i.path) for i in words.inlines]  # type: ignore[arg-type]
        words.parts.append(Part(made, picked, whole=True))
    if local or (words.sources and not words.parts):
        words.parts.insert(0, Part(source, local))


def _local(node: ins.Copy | ins.Add, source: Source, text: str, parents: bool) -> list[Picked]:
    if _leads_out(text):
        raise SourceMissing(
            f"{node.name} failed: forbidden path outside the build context: {text} ()", text
        )
    try:
        found = pick(source, text.lstrip("/"), parents=parents)
    except LookupError:
        shown = text.lstrip("/")
        where = "file not found in build context or excluded by .dockerignore: "
        if source.owned:
            where = ""
        raise SourceMissing(
            f"{node.name} failed: {where}stat {shown}: file does not exist", text
        ) from None
    return found


def _leads_out(text: str) -> bool:
    """A relative path that goes above the top. An absolute one stops there."""
    depth = 0
    for part in text.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return not text.startswith("/")
    return False


def _check(node: ins.Copy | ins.Add, words: _Words) -> None:
    picked = [one for part in words.parts for one in part.picked]
    many = len(picked) > 1
    into = words.target.endswith("/") or words.target in (".", "") or words.target.endswith("/.")
    if many and not into:
        raise InvalidArgument(
            f"When using {node.name} with more than one source file, the destination must be a "
            "directory and end with a /"
        )


def _files(
    session: Session, node: ins.Copy | ins.Add, words: _Words, other: State | Context | None,
    ignore: Ignore | None,
) -> dict[str, list[object]]:  # fmt: skip
    out: dict[str, list[object]] = {}
    for number, part in enumerate(words.parts):
        prefix = "" if number == 0 else f"{number}:"
        if isinstance(other, State) and part.source.owned and ignore is None:
            found = _known(session, other, node, words, part)
        else:
            found = contents(part.source, part.picked, ignore)
        out.update({prefix + path: value for path, value in found.items()})
    return out


def _digest(words: _Words, files: dict[str, list[object]]) -> str:
    """Of several sources the last that has a name wins: their order counts."""
    return digest_of({**files, "": list(words.sources)} if len(words.sources) > 1 else files)


def _known(
    session: Session, other: State, node: ins.Copy | ins.Add, words: _Words, part: Part
) -> dict[str, list[object]]:
    """A stage's files are hashed once: its layers never change."""
    how = ["--parents"] if isinstance(node, ins.Copy) and node.parents else []
    what = "\0".join([*how, *words.sources])
    assert other.chain is not None
    found = session.cache.contents(other.chain, what)
    if found is None:
        found = contents(part.source, part.picked)
        session.cache.save_contents(other.chain, what, found)
    return found


def _target(state: State, text: str) -> str:
    found = absolute(state, text or ".")
    into = text.endswith(("/", "/.")) or text in (".", "")
    return found.rstrip("/") + "/" if into else found


def _history(state: State, node: ins.Copy | ins.Add, words: _Words, digest: str) -> str:
    tops = [one for part in words.parts for one in part.picked]
    kind = "file" if len(tops) == 1 and tops[0].item.kind != DIRECTORY else "dir"
    kind = "multi" if len(tops) > 1 else kind
    unpack = (
        str(node.unpack).lower() if isinstance(node, ins.Add) and node.unpack is not None else ""
    )
    flags = (("chown", words.chown), ("chmod", words.chmod), ("unpack", unpack))
    shown = "".join(f"--{name}={value} " for name, value in flags if value)
    shell = " ".join(state.shell)
    return f"{shell} #(nop) {node.name} {shown}{kind}:{digest} in {words.target} "


def _place(
    session: Session, state: State, node: ins.Copy | ins.Add, words: _Words, root: Root,
    ignore: Ignore | None,
) -> None:  # fmt: skip
    who = owner(root, words.chown) if words.chown else None
    target = _target(state, words.target)
    into = target.endswith("/")
    for part in words.parts:
        own = who if who is not None or part.source.owned else (0, 0)
        placing = Placing(
            root, part.source, own, Chmod(words.chmod), ignore, times=part.source.owned, apart=True
        )
        try:
            for one in part.picked:
                session.check()
                archives = isinstance(node, ins.Add) and not part.whole and not part.git
                if archives and _unpacked(part.source, one, root, target, who, node):
                    continue
                placing.place(one, target, into=into)
            placing.finish()
        finally:
            placing.close()


def _unpacked(
    source: Source, one: Picked, root: Root, target: str, who: tuple[int, int] | None,
    node: ins.Transfer,
) -> bool:  # fmt: skip
    """ADD of an archive: its content, in a confined worker."""
    if one.item.kind != FILE or getattr(node, "unpack", None) is False:
        return False
    if not is_archive(source, one.item):
        return False
    fd = root.mkdir_all(target, 0o755, *(who or (0, 0)))
    try:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    finally:
        os.close(fd)
    try:
        stream = cast(BinaryIO, Reader(source.read(one.item)))
        unpack(stream, root_fd=readable, base="", owner=who)
    finally:
        os.close(readable)
    return True


def is_archive(source: Source, item: Item) -> bool:
    """A tar, as it is or compressed: its first header decides."""
    chunks = source.read(item)
    first = next(chunks, b"")
    if len(first) < 10 or not looks_like_archive(first):
        return False
    stream = cast(BinaryIO, Reader(_joined(first, chunks)))
    try:
        head = read_head(stream)
        found = tar.TarReader(decompressed(stream, head)).next()
    except (InvalidArgument, OSError, EOFError):
        return False
    return found is not None


def _joined(first: bytes, rest: Any) -> Any:
    yield first
    yield from rest
