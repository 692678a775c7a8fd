"""Where COPY takes files from: a context or another stage's files, seen the same way.

Invariant: a path is resolved inside its source only; a link that leads out leads to the top.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from orlop.errors import InvalidArgument
from orlop.paths import Root
from orlop.storage.pack import file_xattrs

FILE, DIRECTORY, LINK, OTHER = "f", "d", "l", "o"
_LINKS = 40
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a source; `path` relative, "" for the top."""

    path: str
    kind: str
    mode: int  # permission bits
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""
    offset: int = 0  # of a context: where in the spool
    digest: str = ""  # SHA-256 of a file's content, when known
    mtime_ns: int = 0
    device: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()


class Source(Protocol):
    owned: bool
    """Owners are part of the content (another stage), not the client's (a context)."""

    def item(self, path: str) -> Item | None:
        """What lies at a clean relative path; links in the middle are not followed."""

    def names(self, path: str) -> list[str]:
        """Sorted names in a directory."""

    def read(self, item: Item) -> Iterator[bytes]: ...

    def digest(self, item: Item) -> str:
        """SHA-256 of a file's content."""


def clean(path: str) -> str:
    """`/a/./b/../c` → `a/c`; what leads above the top stays there."""
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            out = out[:-1]
        elif part not in ("", "."):
            out.append(part)
    return "/".join(out)


def resolve(source: Source, path: str, *, last: bool = True) -> Item | None:
    """The item at `path` with links followed inside the source; `last`: a final link too."""
    todo = [p for p in path.split("/") if p not in ("", ".")][::-1]
    here: list[str] = []
    links = 0
    found = source.item("")
    while todo:
        part = todo.pop()
        if part == "..":
            here = here[:-1]
            found = source.item("/".join(here))
            continue
        if part == ".":
            continue
        found = source.item("/".join([*here, part]))
        if found is None:
            return None
        if found.kind == LINK and (todo or last):
            links += 1
            if links > _LINKS:
                raise InvalidArgument(f"too many levels of symbolic links: {path}")
            if found.link.startswith("/"):
                here = []
            todo += [p for p in found.link.split("/") if p][::-1]
            found = source.item("/".join(here))
            continue
        here.append(part)
        if todo and found.kind != DIRECTORY:
            return None
    return found


class Tree:
    """The files of a stage, through a descriptor of its merged view (consumed by `close`)."""

    owned = True

    def __init__(self, fd: int) -> None:
        try:
            self._root = Root(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        self._root.close()

    def item(self, path: str) -> Item | None:
        try:
            fd = self._root.opath(path or ".", follow=False)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            return None
        try:
            status = os.fstat(fd)
            kind = _kind(status.st_mode)
            link = os.fsdecode(os.readlink(b"", dir_fd=fd)) if kind == LINK else ""
        finally:
            os.close(fd)
        return Item(
            path,
            kind,
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_size if kind == FILE else 0,
            link,
            mtime_ns=status.st_mtime_ns,
            device=status.st_rdev if kind == OTHER else 0,
            xattrs=self._xattrs(path) if kind == FILE else (),
        )

    def _xattrs(self, path: str) -> tuple[tuple[str, bytes], ...]:
        fd = self._root.open(path, os.O_RDONLY | os.O_NONBLOCK, follow=False)
        try:
            return tuple(sorted(file_xattrs(fd).items()))
        finally:
            os.close(fd)

    def names(self, path: str) -> list[str]:
        return [os.fsdecode(n) for n in self._root.names(path or ".")]

    def read(self, item: Item) -> Iterator[bytes]:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
        fd = self._root.open(item.path, flags, follow=False)
        try:
            while chunk := os.read(fd, _CHUNK):
                yield chunk
        finally:
            os.close(fd)

    def digest(self, item: Item) -> str:
        found = hashlib.sha256()
        for chunk in self.read(item):
            found.update(chunk)
        return found.hexdigest()


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return DIRECTORY
    return LINK if stat.S_ISLNK(mode) else OTHER
