"""`RUN --mount=…` and what it needs on the host: planned first, prepared when the step runs.

Invariant: a source is resolved inside its context, stage or cache and bound by descriptor, so that
no link, however it changes meanwhile, reaches the host. Secrets lie on a tmpfs and nowhere else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from orlop.builder import instructions as ins
from orlop.builder.configure import absolute
from orlop.builder.context import Context
from orlop.builder.layer import writable
from orlop.builder.modes import Chmod
from orlop.builder.mountspec import Mount, parse_mount
from orlop.builder.place import Placing
from orlop.builder.select import Picked, contents, digest_of
from orlop.builder.session import Session
from orlop.builder.source import DIRECTORY, Source, clean, resolve
from orlop.builder.state import State
from orlop.errors import InvalidArgument, SystemFailure
from orlop.paths import Root

Json = dict[str, Any]


@dataclass(slots=True)
class Planned:
    mount: Mount
    target: str
    state: State | None = None  # of the stage that `from` means
    context: Context | None = None  # a named one
    content: dict[str, list[object]] | None = None


@dataclass(slots=True)
class Mounts:
    """What one RUN mounts. `inputs`: what of it its outcome depends on."""

    planned: list[Planned] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # ours: target → content
    inputs: Json = field(default_factory=dict)

    def is_file(self, point: Json) -> bool:
        return point["Type"] == "bind" and not os.path.isdir(point["Source"])


def plan(
    session: Session,
    state: State,
    node: ins.Run,
    escape: str,
    stage_of: Callable[[str], State | Context],
) -> Mounts:
    """`stage_of`: the state of a stage or image, or a named context. Raises InvalidArgument."""
    out = Mounts()
    lexer, scope = state.expand(escape)
    for text in node.mounts:
        found = parse_mount(lexer.word(text, scope) if "$" in text else text)
        target = found.target
        if not target and found.type == "secret" and not found.env:
            target = f"/run/secrets/{found.id.rpartition('/')[2]}"
        elif not target and found.type == "ssh":
            number = sum(p.mount.type == "ssh" for p in out.planned)
            target = f"/run/buildkit/ssh_agent.{number}"
        item = Planned(found, absolute(state, target) if target else "")
        if target and item.target == "/":
            raise InvalidArgument(f'invalid mount target "{target}"')
        if found.source_stage:
            other = stage_of(found.source_stage)
            if isinstance(other, Context):
                item.context = other
            else:
                item.state = other
        if found.type == "bind":
            item.content = _contents(session, item)
        out.planned.append(item)
        out.inputs[f"{found.type} {item.target or found.env}"] = _inputs(found, item)
    return out


def _inputs(found: Mount, item: Planned) -> list[Any]:
    """Not the content of caches and secrets: a step must not depend on it."""
    if found.type == "bind":
        return [found.read_only, digest_of(item.content or {})]
    return [found.type, found.id, found.target, found.sharing, found.size, found.mode or 0]


def _source(session: Session, item: Planned, stack: ExitStack) -> Source:
    if item.state is None:
        return _context(session, item)
    if item.state.chain is None:
        raise InvalidArgument(f"{item.mount.source_stage}: has no files")
    return stack.enter_context(contextlib.closing(session.tree(item.state.chain)))


def _context(session: Session, item: Planned) -> Context:
    return session.request.context if item.context is None else item.context


def _contents(session: Session, item: Planned) -> dict[str, list[object]]:
    with ExitStack() as stack:
        source = _source(session, item, stack)
        found = resolve(source, item.mount.source)
        if found is None:
            raise InvalidArgument(
                f'failed to compute cache key: "/{clean(item.mount.source)}": not found'
            )
        return contents(source, [Picked(found, "")])


def prepare(session: Session, mounts: Mounts, stack: ExitStack) -> tuple[list[Json], list[str]]:
    """(Mounts of a HostConfig, variables that no record may hold). `stack` undoes."""
    points: list[Json] = []
    hidden: list[str] = []
    for item in mounts.planned:
        kind = item.mount.type
        if kind == "tmpfs":
            options = {"SizeBytes": item.mount.size} if item.mount.size else {}
            points.append({"Type": "tmpfs", "Target": item.target, "TmpfsOptions": options})
        elif kind == "bind":
            path = _bind(session, item, stack)
            points.append(_point(path, item.target, item.mount.read_only))
        elif kind == "cache":
            path = _cache(session, item, stack)
            points.append(_point(path, item.target, item.mount.read_only))
        elif kind == "secret":
            _secret(session, item, points, hidden)
        else:
            _agent(session, item, points, hidden)
    for target, data in mounts.files.items():
        path = str(session.spool / f"file-{os.urandom(4).hex()}")
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o755)
        points.append(_point(path, target, True))
    return points, hidden


def _point(source: str, target: str, read_only: bool) -> Json:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _bind(session: Session, item: Planned, stack: ExitStack) -> str:
    """A tree of its own: what the step writes into it is thrown away."""
    if item.state is not None:
        _, root = stack.enter_context(writable(session, item.state))
        return _inside(session, root, item.mount.source)
    folder = session.spool / f"context-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o755)
    source = _context(session, item)
    found = resolve(source, item.mount.source)
    assert found is not None  # the plan looked
    with Root(folder) as root:
        placing = Placing(root, source, (0, 0), Chmod(""))
        try:
            placing.place(Picked(found, "file"), "/", into=found.kind != DIRECTORY)
        finally:
            placing.close()
    return str(folder if found.kind == DIRECTORY else folder / "file")


def _inside(session: Session, root: Root, path: str) -> str:
    try:
        fd = root.opath(path or "/")
    except OSError as error:
        raise InvalidArgument(f"{path}: {(error.strerror or '').lower()}") from None
    try:
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            raise InvalidArgument(f"{path}: is a symbolic link")
        return session.bind(fd)
    except OSError as error:  # removed since it was opened
        raise InvalidArgument(f"{path}: {(error.strerror or '').lower()}") from None
    finally:
        os.close(fd)


def _cache(session: Session, item: Planned, stack: ExitStack) -> str:
    """A folder that later builds find again, by id; hashed, so that no id is a path."""
    found = item.mount
    name = hashlib.sha256((found.id or item.target).encode("utf-8", "replace")).hexdigest()
    builder = session.builder
    folder = builder.mounts / name
    with builder.lock:
        lock = builder.cache_mounts.setdefault(name, threading.Lock())
    if found.sharing == "locked":
        while not lock.acquire(timeout=0.5):
            session.check()
        stack.callback(lock.release)
    elif found.sharing == "private":
        number = 0
        while not lock.acquire(blocking=False):
            number += 1
            with builder.lock:
                lock = builder.cache_mounts.setdefault(f"{name}-{number}", threading.Lock())
            folder = builder.mounts / f"{name}-{number}"
        stack.callback(lock.release)
    _begin_cache(session, item, folder)
    if not found.source or found.source_stage:
        return str(folder)
    with Root(folder) as root:
        return _inside(session, root, found.source)


def _begin_cache(session: Session, item: Planned, folder: Any) -> None:
    found = item.mount
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    if item.context is not None or (item.state is not None and item.state.chain is not None):
        with ExitStack() as stack, Root(folder) as root:
            tree = _source(session, item, stack)
            top = resolve(tree, found.source)
            if top is None or top.kind != DIRECTORY:
                raise InvalidArgument(f"cache mount source {found.source}: not a directory")
            placing = Placing(root, tree, None, Chmod(""), times=True)
            try:
                placing.place(Picked(top, ""), "/", into=False)
            finally:
                placing.close()
    os.chown(folder, found.uid or 0, found.gid or 0)
    os.chmod(folder, 0o755 if found.mode is None else found.mode)


def _secret(session: Session, item: Planned, points: list[Json], hidden: list[str]) -> None:
    found = item.mount
    name = found.id or item.target.rpartition("/")[2] or found.env
    data = session.request.secrets.get(name)
    if data is None:
        if found.required:
            raise SystemFailure(f"secret {name}: not found")
        return
    if found.env:
        hidden.append(f"{found.env}={data.decode('utf-8', 'surrogateescape')}")
    if not item.target:
        return
    path = str(session.scratch / f"secret-{os.urandom(4).hex()}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    with os.fdopen(fd, "wb") as file:  # all of it, or ENOSPC
        file.write(data)
        os.fchown(fd, found.uid or 0, found.gid or 0)
        os.fchmod(fd, 0o400 if found.mode is None else found.mode)
    points.append(_point(path, item.target, True))


def _agent(session: Session, item: Planned, points: list[Json], hidden: list[str]) -> None:
    name = item.mount.id or "default"
    socket = session.request.agents.get(name)
    if socket is None:
        if item.mount.required:
            raise SystemFailure(f"ssh key {name}: not found; pass it with --ssh")
        return
    points.append(_point(socket, item.target, False))
    hidden.append(f"SSH_AUTH_SOCK={item.target}")
