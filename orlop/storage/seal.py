"""A writable layer becomes a staged one: its tree is taken over as it is, and described.

No archive is made and unpacked again: the tar that the layer *is* gets hashed and split while the
tree is read once. Times later than a bound are set to it, in the tree and in the archive, so that
the same content gives the same layer on any day.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fastcrc

from orlop.oci.digest import DiffID
from orlop.paths import Root
from orlop.storage.changes import DELETED, Change
from orlop.storage.compression import Reader
from orlop.storage.layer import Staged, Writable
from orlop.storage.layers import Layers
from orlop.storage.pack import (
    BLOCK,
    DIRECTORY,
    END,
    FILE,
    LINK,
    SYMLINK,
    Header,
    describe,
    file_xattrs,
)
from orlop.storage.split import Writer

_CHUNK = 1 << 20
_WHITEOUT = b".wh."
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_INNER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_crc64 = fastcrc.crc64.go_iso


def seal(layers: Layers, id: str, *, latest_ns: int | None = None) -> Staged | None:
    """The writable layer `id` as a staged layer; None when it changed nothing.

    Nobody may write to it any more; what is left of it is to be removed with `remove_writable`.
    `latest_ns`: no time in the layer is later.
    """
    layers.unmount(id)
    found = layers.changes(id)
    if not found:
        return None
    made = layers.writable(id)
    tree = layers.driver.tree(made.mount_id)
    if made.init_id and not layers.driver.whole:
        _leave_mountpoints(tree, layers.driver.tree(made.init_id), {c.path for c in found})
    if layers.driver.whole:
        with Root(tree) as root:
            return layers.stage(Reader(archive(root, found, latest_ns)))  # type: ignore[arg-type]
    folder = layers.root / "tmp" / f"write-set-{secrets.token_hex(5)}"
    folder.mkdir(mode=0o755)
    try:
        with Root(tree) as root, open(folder / "tar-split.json.gz", "wb") as sink:
            os.fchmod(sink.fileno(), 0o644)
            record = _Record(Writer(sink))
            for item in _items(root, found, latest_ns):
                record.take(item)
            record.close()
        cache_id = _take_over(layers, made)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Staged(cache_id, record.diff_id, record.size, folder)


def _leave_mountpoints(tree: Path, init: Path, changed: set[str]) -> None:
    """What the kernel copied up of the init layer and nobody changed goes: the layer has none."""
    upper, below = os.open(tree, _INNER), os.open(init, _INNER)
    try:
        _leave(upper, below, "", changed)
    finally:
        os.close(upper)
        os.close(below)


def _leave(upper: int, below: int, path: str, changed: set[str]) -> None:
    for name in os.listdir(below):
        where = f"{path}/{name}"
        try:
            kind = stat.S_IFMT(os.stat(name, dir_fd=upper, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            continue
        if kind != stat.S_IFMT(os.stat(name, dir_fd=below, follow_symlinks=False).st_mode):
            continue
        if kind != stat.S_IFDIR:
            if where not in changed:
                os.unlink(name, dir_fd=upper)
            continue
        inner = os.open(name, _INNER, dir_fd=upper)
        try:
            theirs = os.open(name, _INNER, dir_fd=below)
            try:
                _leave(inner, theirs, where, changed)
            finally:
                os.close(theirs)
        finally:
            os.close(inner)
        if where not in changed:
            with contextlib.suppress(OSError):  # something is in it
                os.rmdir(name, dir_fd=upper)


def _take_over(layers: Layers, made: Writable) -> str:
    """The tree under a new name, as a layer that nothing is stacked on yet."""
    cache_id = secrets.token_hex(32)
    layers.note(cache_id)
    fresh = layers.driver.create(cache_id)
    try:
        fresh.rmdir()
        os.rename(layers.driver.tree(made.mount_id), fresh)
    except BaseException:
        layers.driver.remove(cache_id)
        raise
    return cache_id


@dataclass(slots=True)
class _Item:
    header: Header
    fd: int = -1  # of a file with content; open until the next item is asked for


class _Record:
    """Hashes the archive and writes what tar-split keeps of it."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._digest = hashlib.sha256()
        self._between = b""
        self.size = 0

    def take(self, item: _Item) -> None:
        header = item.header
        raw = header.encode()
        self._digest.update(raw)
        self._writer.segment(self._between + raw if self._between else raw)
        self._between = b""
        if header.type == SYMLINK:
            self.size += len(header.link)
        if item.fd < 0:
            self._writer.member(header.name, 0, 0)
            return
        crc = 0
        for chunk in _content(item.fd, header.size):
            self._digest.update(chunk)
            crc = _crc64(chunk, crc)
        self._writer.member(header.name, header.size, crc)
        self.size += header.size
        self._between = bytes(-header.size % BLOCK)
        self._digest.update(self._between)

    def close(self) -> None:
        self._digest.update(END)
        self._writer.segment(self._between + END)
        self._writer.close()

    @property
    def diff_id(self) -> DiffID:
        return DiffID("sha256:" + self._digest.hexdigest())


def _content(fd: int, size: int) -> Iterator[bytes]:
    left = size
    while left:
        chunk = os.read(fd, min(left, _CHUNK)) or bytes(min(left, _CHUNK))
        left -= len(chunk)
        yield chunk


def archive(root: Root, found: list[Change], latest_ns: int | None) -> Iterator[bytes]:
    for item in _items(root, found, latest_ns):
        yield item.header.encode()
        if item.fd >= 0:
            yield from _content(item.fd, item.header.size)
            yield bytes(-item.header.size % BLOCK)
    yield END


def _items(root: Root, found: list[Change], latest_ns: int | None) -> Iterator[_Item]:
    """`found` is sorted by path, so that a directory's entries come together."""
    seen: dict[tuple[int, int], bytes] = {}
    where, directory = b"\0", -1
    try:
        for change in found:
            path = os.fsencode(change.path).lstrip(b"/")
            head, slash, name = path.rpartition(b"/")
            if change.kind == DELETED:
                yield _Item(Header(head + slash + _WHITEOUT + name, mode=0))
                continue
            if head != where:
                if directory >= 0:
                    os.close(directory)
                directory, where = -1, head
                directory = root.open(head or b".", os.O_PATH | os.O_DIRECTORY)
            yield from _one(directory, name, path, latest_ns, seen)
    finally:
        if directory >= 0:
            os.close(directory)


def _one(
    directory: int,
    name: bytes,
    path: bytes,
    latest_ns: int | None,
    seen: dict[tuple[int, int], bytes],
) -> Iterator[_Item]:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    late = latest_ns is not None and status.st_mtime_ns > latest_ns
    readable = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    fd = os.open(name, _READ if readable else _PATH, dir_fd=directory)
    try:
        header = describe(status, path, fd)
        if header is None:
            return  # a socket
        if late and latest_ns is not None:
            times = (latest_ns, latest_ns)
            if readable:
                os.utime(fd, ns=times)
            else:
                os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
            header.mtime_ns = latest_ns
        if status.st_nlink > 1 and header.type != DIRECTORY:
            first = seen.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                header.type, header.link, header.size = LINK, first, 0
                yield _Item(header)
                return
        if header.type != SYMLINK:
            header.xattrs = dict(sorted(file_xattrs(fd).items()))
        yield _Item(header, fd if header.type == FILE and header.size else -1)
    finally:
        os.close(fd)
