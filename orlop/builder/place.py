"""Put selected items of a source into a root: what COPY does, on descriptors.

The destination may hold anything, links to anywhere: a path of it is resolved inside the root.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from orlop.builder.modes import Chmod
from orlop.builder.select import Picked, walk
from orlop.builder.source import DIRECTORY, FILE, LINK, Item, Source
from orlop.errors import InvalidArgument
from orlop.oci.ignore import Ignore
from orlop.paths import Root, remove_entry
from orlop.storage.elsewhere import Elsewhere, has_default_acl

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORIES = 64  # descriptors that are kept


@dataclass(slots=True)
class Placing:
    """One COPY under way. `owner`: of everything, None keeps a stage's owners."""

    root: Root
    source: Source
    owner: tuple[int, int] | None
    chmod: Chmod
    ignore: Ignore | None = None
    times: bool = False  # keep those of the source
    apart: bool = False  # nobody else sees the tree: a file may be made elsewhere; `finish` then
    _open: dict[str, int] = field(default_factory=dict)
    _handing: set[int] = field(default_factory=set)  # of those, what new files inherit from
    _top: int = -1
    _elsewhere: Elsewhere | None = None

    def close(self) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self._elsewhere is not None:
            self._elsewhere.stop()
        if self._top >= 0:
            os.close(self._top)
            self._top = -1

    def finish(self) -> None:
        """After the last item: nothing but the items is left in the tree."""
        if self._elsewhere is not None:
            self._elsewhere.close()
            self._elsewhere = None

    def place(self, one: Picked, target: str, *, into: bool) -> None:
        """`target` absolute; `into`: a file goes into it under its own name."""
        if one.parents:
            target, into = f"{target.rstrip('/')}/{one.parents}", one.item.kind != DIRECTORY
        if one.item.kind == DIRECTORY:
            self._directory(target)
            for below, item in walk(self.source, one.item, self.ignore):
                where, _, name = f"{target.rstrip('/')}/{below}".rpartition("/")
                self._item(where, name, item)
            return
        if self.ignore is not None and self.ignore.ignored(one.name):
            return
        if into or self._is_directory(target):
            self._item(self._directory(target), one.name, one.item)
            return
        where, _, name = target.rstrip("/").rpartition("/")
        self._item(self._directory(where or "/"), name, one.item)

    def _is_directory(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(self.root.stat(path, follow=True).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _directory(self, path: str) -> str:
        """Make a destination directory and what is missing above it."""
        uid, gid = self.owner or (0, 0)
        try:
            os.close(self.root.mkdir_all(path or "/", self.chmod.made, uid, gid))
        except (NotADirectoryError, FileExistsError):
            raise InvalidArgument(f"cannot copy to non-directory: {path}") from None
        return path or "/"

    def _fd(self, directory: str) -> int:
        found = self._open.get(directory)
        if found is not None:
            return found
        if len(self._open) >= _OPEN_DIRECTORIES:
            gone = self._open.pop(next(iter(self._open)))
            self._handing.discard(gone)
            os.close(gone)
        try:
            found = self.root.open(directory or "/", os.O_PATH | os.O_DIRECTORY)
        except NotADirectoryError:
            raise InvalidArgument(f"cannot copy to non-directory: {directory}") from None
        self._open[directory] = found
        if _hands_on(found):
            self._handing.add(found)
        return found

    def _new(self, fd: int, name: str) -> int:
        """A new file, open. Raises FileExistsError."""
        if not self.apart or fd in self._handing:
            return _created(fd, os.fsencode(name))
        if self._elsewhere is None:
            self._top = self.root.directory(".")
            self._elsewhere = Elsewhere(self._top)
        return self._elsewhere.make(fd, os.fsencode(name), _created)

    def _item(self, directory: str, name: str, item: Item) -> None:
        fd = self._fd(directory)
        if item.kind == FILE:
            self._file(fd, name, item)
        elif item.kind == DIRECTORY:
            self._subdirectory(fd, directory, name, item)
        elif item.kind == LINK:
            self._clear(fd, name)
            os.symlink(item.link, name, dir_fd=fd)
            self._own_link(fd, name, item)
        else:
            self._special(fd, name, item)

    def _owner_of(self, item: Item) -> tuple[int, int]:
        if self.owner is not None:
            return self.owner
        return (item.uid, item.gid) if self.source.owned else (0, 0)

    def _file(self, fd: int, name: str, item: Item) -> None:
        mode = self.chmod.of(item.mode, directory=False)
        try:
            out = self._new(fd, name)
        except FileExistsError:
            self._clear(fd, name)
            out = self._new(fd, name)
        try:
            for chunk in self.source.read(item):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(out, view) :]
            owner = self._owner_of(item)
            if owner != (0, 0):
                os.fchown(out, *owner)
            os.fchmod(out, mode)
            for key, value in item.xattrs:
                os.setxattr(out, key, value)
            if self.times:
                os.utime(out, ns=(item.mtime_ns, item.mtime_ns))
        finally:
            os.close(out)

    def _subdirectory(self, fd: int, directory: str, name: str, item: Item) -> None:
        path = f"{directory.rstrip('/')}/{name}"
        try:
            os.mkdir(name, 0o700, dir_fd=fd)
        except FileExistsError:
            if not self._is_directory(path):
                raise InvalidArgument(f"cannot copy to non-directory: {path}") from None
        made = self.root.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fchown(made, *self._owner_of(item))
            mode = self.chmod.of(item.mode, directory=True)
            os.fchmod(made, mode)
        finally:
            os.close(made)
        if mode & stat.S_ISGID:  # which it may not have had when it was opened
            self._handing.update(fd for fd in self._open.values() if _hands_on(fd))

    def _special(self, fd: int, name: str, item: Item) -> None:
        if item.device:
            raise InvalidArgument(f"cannot copy device {item.path}")
        self._clear(fd, name)
        os.mknod(name, stat.S_IFIFO | 0o600, dir_fd=fd)
        os.chown(name, *self._owner_of(item), dir_fd=fd, follow_symlinks=False)

    def _own_link(self, fd: int, name: str, item: Item) -> None:
        os.chown(name, *self._owner_of(item), dir_fd=fd, follow_symlinks=False)
        if self.times:
            times = (item.mtime_ns, item.mtime_ns)
            os.utime(name, ns=times, dir_fd=fd, follow_symlinks=False)

    def _clear(self, fd: int, name: str) -> None:
        """What is in a file's way goes, unless it is a directory."""
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(status.st_mode):
            raise InvalidArgument(f"cannot overwrite directory {name} with a file")
        remove_entry(fd, os.fsencode(name))


def _created(directory: int, name: bytes) -> int:
    return os.open(name, _NEW, 0o600, dir_fd=directory)


def _hands_on(directory: int) -> bool:
    """Its group, or access for others, to what is made in it."""
    if os.fstat(directory).st_mode & stat.S_ISGID:
        return True
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return has_default_acl(readable)
    finally:
        os.close(readable)
