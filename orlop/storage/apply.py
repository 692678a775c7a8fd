"""Put the members of a tar into a tree: image layers (with whiteouts) and archives of `cp`.

Runs in the worker (`worker.py`), after the root switch: no import happens here at run time. Every
parent directory is opened by `Root` inside the tree, and the last component is acted on with
*at calls that follow nothing.

Source: OCI image-spec `layer.md` (whiteouts), kernel Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import Protocol

from orlop.errors import InvalidArgument
from orlop.paths import Root, remove_entry
from orlop.storage.tar import BLOCKDEV, CHAR, DIRECTORY, FIFO, LINK, SYMLINK, Entry

_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_META = b".wh..wh."
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_IMPLIED = 0o755  # mode of directories that the archive does not mention
_REPLACING = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


class Source(Protocol):
    def next(self) -> Entry | None: ...
    def data(self) -> Iterator[bytes]: ...


class Applier:
    """`whiteouts`: the archive is a layer, `.wh.` names delete. `opaque`: the xattr overlay reads.

    `owner` overrides uid and gid; `keep_directories`: a directory is never replaced by something
    else nor the reverse.
    """

    def __init__(
        self,
        root: Root,
        *,
        base: bytes = b"",
        whiteouts: bool = False,
        opaque: str = "trusted.overlay.opaque",
        owner: tuple[int, int] | None = None,
        keep_directories: bool = False,
    ) -> None:
        self._root = root
        self._base = base
        self._whiteouts = whiteouts
        self._opaque = opaque
        self._owner = owner
        self._keep = keep_directories
        self._parent_path: bytes | None = None
        self._parent = -1
        self._directories: dict[bytes, int] = {}  # mtimes, set when nothing below changes any more
        self.size = 0  # bytes of files and link texts

    def run(self, source: Source) -> None:
        try:
            while (entry := source.next()) is not None:
                self._one(entry, source)
            self._finish()
        finally:
            if self._parent >= 0:
                os.close(self._parent)
                self._parent = -1

    def _one(self, entry: Entry, source: Source) -> None:
        parts = _parts(entry.name)
        if not parts:
            if entry.type == DIRECTORY:
                self._top(entry)
            return
        parent = b"/".join([self._base, *parts[:-1]]) if self._base else b"/".join(parts[:-1])
        name = parts[-1]
        if self._whiteouts and any(p.startswith(_WHITEOUT) for p in parts[:-1]):
            raise InvalidArgument(f"invalid whiteout directory in {_text(entry.name)}")
        if self._whiteouts and name.startswith(_WHITEOUT):
            self._whiteout(self._enter(parent), parent, name)
            return
        fd = self._enter(parent)
        try:
            self._make(fd, name, entry, source)
        except OSError as e:
            if e.errno not in _REPLACING:
                raise
            self._replace(fd, parent, name, entry)
            self._make(fd, name, entry, source)
        if entry.type == DIRECTORY:
            self._directories[parent + b"/" + name if parent else name] = entry.mtime_ns
            self._forget(parent, name)

    def _forget(self, parent: bytes, name: bytes) -> None:
        """The cached parent may be what was just replaced."""
        path = parent + b"/" + name if parent else name
        if self._parent_path is not None and (
            self._parent_path == path or self._parent_path.startswith(path + b"/")
        ):
            self._parent_path = None

    def _enter(self, parent: bytes) -> int:
        if parent == self._parent_path:
            return self._parent
        try:
            fd = self._root.open(parent, os.O_PATH | os.O_DIRECTORY)
        except FileNotFoundError:
            fd = self._root.mkdir_all(parent, _IMPLIED)
        if self._parent >= 0:
            os.close(self._parent)
        self._parent, self._parent_path = fd, parent
        return fd

    def _top(self, entry: Entry) -> None:
        """The archive's own "./": metadata of the tree's root."""
        fd = self._root.directory(self._base or b".")
        try:
            self._metadata(fd, entry)
        finally:
            os.close(fd)
        self._directories[self._base or b"."] = entry.mtime_ns

    def _make(self, fd: int, name: bytes, entry: Entry, source: Source) -> None:
        kind = entry.type
        uid, gid = self._owner or (entry.uid, entry.gid)
        mode = entry.mode & 0o7777
        if kind == DIRECTORY:
            self._directory(fd, name, entry)
            return
        if kind == LINK:
            self._link(fd, name, entry)
            return
        if kind == SYMLINK:
            os.symlink(entry.link, name, dir_fd=fd)
            self.size += len(entry.link)
        elif kind in (CHAR, BLOCKDEV, FIFO):
            device = 0 if kind == FIFO else os.makedev(entry.major, entry.minor)
            type = {CHAR: stat.S_IFCHR, BLOCKDEV: stat.S_IFBLK, FIFO: stat.S_IFIFO}[kind]
            os.mknod(name, type | 0o600, device, dir_fd=fd)
        else:
            out = os.open(name, _CREATE, 0o600, dir_fd=fd)
            try:
                _write(out, source)
                self.size += entry.size
                self._metadata(out, entry)
                os.utime(out, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(out)
            return
        os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
        if kind != SYMLINK:
            os.chmod(name, mode, dir_fd=fd)
            self._special_xattrs(fd, name, entry)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=fd, follow_symlinks=False)

    def _special_xattrs(self, fd: int, name: bytes, entry: Entry) -> None:
        if entry.xattrs:
            handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            try:
                _set_xattrs(f"/proc/self/fd/{handle}", entry)
            except FileNotFoundError:
                pass  # no procfs in this root: devices and FIFOs go without attributes
            finally:
                os.close(handle)

    def _directory(self, fd: int, name: bytes, entry: Entry) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=fd)
        except FileExistsError:
            pass
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        try:
            self._metadata(made, entry)
        finally:
            os.close(made)

    def _link(self, fd: int, name: bytes, entry: Entry) -> None:
        parts = _parts(entry.link)
        if not parts:
            raise InvalidArgument(f"invalid hardlink {_text(entry.name)} -> {_text(entry.link)}")
        if self._base:
            parts = [self._base, *parts]
        with self._root.parent(b"/".join(parts)) as (source_fd, source_name):
            os.link(source_name, name, src_dir_fd=source_fd, dst_dir_fd=fd, follow_symlinks=False)

    def _metadata(self, fd: int, entry: Entry) -> None:
        """Owner first: chown clears setuid bits and file capabilities."""
        uid, gid = self._owner or (entry.uid, entry.gid)
        os.fchown(fd, uid, gid)
        os.fchmod(fd, entry.mode & 0o7777)
        if entry.xattrs:
            _set_xattrs(fd, entry)

    def _replace(self, fd: int, parent: bytes, name: bytes, entry: Entry) -> None:
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        is_directory = stat.S_ISDIR(status.st_mode)
        if self._keep and is_directory != (entry.type == DIRECTORY):
            what = "directory", "non-directory"
            a, b = what if is_directory else what[::-1]
            raise InvalidArgument(
                f'cannot overwrite {a} "{_text(parent)}/{_text(name)}" with {b} '
                f'"{_text(self._base) or "/"}"'
            )
        remove_entry(fd, name)
        self._forget(parent, name)

    def _whiteout(self, fd: int, parent: bytes, name: bytes) -> None:
        if name == _OPAQUE:
            directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
            try:
                os.setxattr(directory, self._opaque, b"y")
            finally:
                os.close(directory)
            return
        if name.startswith(_META):
            return  # aufs' own book-keeping
        hidden = name[len(_WHITEOUT) :]
        if hidden in (b"", b".", b".."):
            raise InvalidArgument(f"invalid whiteout name {_text(name)}")
        try:
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=fd)
        except FileExistsError:
            remove_entry(fd, hidden)
            self._forget(parent, hidden)
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=fd)

    def _finish(self) -> None:
        for path, mtime in reversed(self._directories.items()):
            try:
                fd = self._root.open(path, os.O_RDONLY | os.O_DIRECTORY, follow=False)
            except (FileNotFoundError, NotADirectoryError):
                continue  # replaced by a later member
            except OSError as e:
                if e.errno == errno.ELOOP:
                    continue
                raise
            try:
                os.utime(fd, ns=(mtime, mtime))
            finally:
                os.close(fd)


def _write(fd: int, source: Source) -> None:
    for chunk in source.data():
        view = memoryview(chunk)
        while view:
            view = view[os.write(fd, view) :]


def _set_xattrs(target: int | str, entry: Entry) -> None:
    for key, value in (entry.xattrs or {}).items():
        if b"overlay." in key and key.startswith((b"trusted.", b"user.")):
            continue  # would steer the kernel's overlay, not describe a file
        try:
            os.setxattr(target, key, value)
        except OSError as e:
            # as Docker: a filesystem or namespace that cannot hold it
            if e.errno == errno.ENOTSUP or (e.errno == errno.EPERM and key.startswith(b"user.")):
                continue
            raise


def _parts(name: bytes) -> list[bytes]:
    """Components of a member's name. Raises InvalidArgument when it leaves the tree."""
    out: list[bytes] = []
    for part in name.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not out:
                raise InvalidArgument(f'"{_text(name)}" is outside of the archive')
            out.pop()
        else:
            out.append(part)
    return out


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
