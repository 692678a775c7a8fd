"""Put the members of a tar into a tree: image layers (with whiteouts) and archives of `cp`.

Runs in the worker (`worker.py`), after the root switch: no import happens here at run time. Every
parent directory is opened by `Root` inside the tree, and the last component is acted on with
*at calls that follow nothing. What is held in memory does not grow with the archive of a layer.

Source: OCI image-spec `layer.md` (whiteouts), kernel Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

from orlop.errors import InvalidArgument
from orlop.paths import Root, remove_entry
from orlop.storage.elsewhere import HANDED_ON, Elsewhere
from orlop.storage.tar import BLOCKDEV, CHAR, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        def next(self) -> Entry | None: ...
        def data(self) -> Iterator[bytes]: ...


_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_META = b".wh..wh."
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_IMPLIED = 0o755  # mode of directories that the archive does not mention
_REPLACING = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR)
_HANDED_ON = HANDED_ON.encode()
_KINDS = {CHAR: stat.S_IFCHR, BLOCKDEV: stat.S_IFBLK, FIFO: stat.S_IFIFO}


class Applier:
    """`whiteouts`: the archive is a layer for an empty tree: `.wh.` names delete, and no name may
    come twice, as in Docker (the archive could not be given back). `opaque`: the xattr overlay
    reads. `owner` overrides uid and gid; `keep_directories`: a directory is never replaced by
    something else nor the reverse.
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
        no_devices: bool = False,
    ) -> None:
        """`no_devices`: leave out those that we may not make."""
        self._root = root
        self._base = base
        self._whiteouts = whiteouts
        self._opaque = opaque
        self._owner = owner
        self._keep = keep_directories
        self._no_devices = no_devices
        self._elsewhere: Elsewhere | None = None  # for the tree of a layer, which is ours alone
        self._parent_path: bytes | None = None
        self._parent = -1
        # Times of the directory that is being filled, set again when it is left; of an archive
        # that goes into a living tree only those that the archive sets.
        self._times: tuple[int, int] | None = None
        self._timed: set[bytes] | None = None if whiteouts else set()
        self._inherits = False  # new files take the group of the directory
        self.current = b""  # name of the member at work, for messages
        self.size = 0  # bytes of files and link texts

    def run(self, source: Source) -> None:
        if not self._whiteouts:
            self._all(source)
            return
        top = self._root.directory(b".")
        try:
            self._elsewhere = Elsewhere(top)
            self._all(source)
            self._elsewhere.close()
        finally:
            os.close(top)

    def _all(self, source: Source) -> None:
        try:
            while (entry := source.next()) is not None:
                self.current = entry.name
                self._one(entry, source)
        finally:
            self._leave()

    def _one(self, entry: Entry, source: Source) -> None:
        found = parts(entry.name)
        if not found:
            if entry.type != DIRECTORY:
                raise InvalidArgument(f"invalid name {_text(entry.name)!r} in archive")
            self._top(entry)
            return
        name = found[-1]
        parent = b"/".join([self._base, *found[:-1]] if self._base else found[:-1])
        if self._whiteouts and (name.startswith(_WHITEOUT) or _WHITEOUT in parent):
            if any(p.startswith(_WHITEOUT) for p in found[:-1]):
                raise InvalidArgument(f"invalid whiteout directory in {_text(entry.name)}")
            if name.startswith(_WHITEOUT):
                self._whiteout(self._enter(parent), name)
                return
        fd = self._enter(parent)
        try:
            self._make(fd, name, entry, source)
        except OSError as e:
            if e.errno not in _REPLACING:
                raise
            self._replace(fd, parent, name, entry)
            self._make(fd, name, entry, source)
        if self._timed is not None and entry.type == DIRECTORY:
            self._timed.add(parent + b"/" + name if parent else name)

    def _enter(self, parent: bytes) -> int:
        """The directory of the member; what it was before its first child is remembered."""
        if parent == self._parent_path:
            return self._parent
        self._leave()
        try:
            fd = self._root.open(parent, _DIRECTORY)
        except FileNotFoundError:
            os.close(self._root.mkdir_all(parent, _IMPLIED))
            fd = self._root.open(parent, _DIRECTORY)
        status = os.fstat(fd)
        if self._timed is None or parent in self._timed:
            self._times = status.st_atime_ns, status.st_mtime_ns
        self._inherits = bool(status.st_mode & stat.S_ISGID)
        self._parent, self._parent_path = fd, parent
        return fd

    def _leave(self) -> None:
        fd, times = self._parent, self._times
        self._parent, self._parent_path, self._times = -1, None, None
        if fd >= 0:
            try:
                if times is not None:
                    os.utime(fd, ns=times)
            finally:
                os.close(fd)

    def _top(self, entry: Entry) -> None:
        """The archive's own "./": metadata of the tree's root."""
        self._leave()
        fd = self._root.directory(self._base or b".")
        try:
            self._metadata(fd, entry)
        finally:
            os.close(fd)
        self._hand_on(entry)
        if self._timed is not None:
            self._timed.add(self._base)

    def _make(self, fd: int, name: bytes, entry: Entry, source: Source) -> None:
        kind = entry.type
        if kind == FILE:
            self._file(fd, name, entry, source)
        elif kind == DIRECTORY:
            self._directory(fd, name, entry)
        elif kind == LINK:
            self._link(fd, name, entry)
        else:
            self._special(fd, name, entry)

    def _file(self, fd: int, name: bytes, entry: Entry, source: Source) -> None:
        out = self._new(fd, name, _create_file)
        try:
            if entry.holes is not None:
                _write_holes(out, source, entry.holes)
                os.truncate(out, entry.size)
            else:
                for chunk in source.data():
                    _write(out, chunk)
            self._metadata(out, entry, new=True)
        finally:
            os.close(out)
        self.size += entry.size

    def _new(self, fd: int, name: bytes, make: Callable[[int, bytes], int]) -> int:
        return self._elsewhere.make(fd, name, make) if self._elsewhere else make(fd, name)

    def _special(self, fd: int, name: bytes, entry: Entry) -> None:
        """Links, devices, FIFOs: by name, as they are not opened."""
        if entry.type == SYMLINK:
            self._new(fd, name, lambda at, name: _create_link(at, name, entry.link))
            self.size += len(entry.link)
        else:
            device = 0 if entry.type == FIFO else os.makedev(entry.major, entry.minor)
            try:
                os.mknod(name, _KINDS[entry.type] | 0o600, device, dir_fd=fd)
            except PermissionError:
                if not self._no_devices:
                    raise
                return  # as Docker: without the device, a container has the host's in its /dev
        uid, gid = self._owner or (entry.uid, entry.gid)
        os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
        if entry.type != SYMLINK:
            os.chmod(name, entry.mode & 0o7777, dir_fd=fd)
        if entry.xattrs:
            os.fchdir(fd)  # there is no lsetxattrat before Linux 6.13; the worker has one thread
            _set_xattrs(name, entry.xattrs)
        times = entry.mtime_ns, entry.mtime_ns
        os.utime(name, ns=times, dir_fd=fd, follow_symlinks=False)

    def _directory(self, fd: int, name: bytes, entry: Entry) -> None:
        new = True
        try:
            self._new(fd, name, _create_directory)
        except FileExistsError:
            new = False
        made = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        try:
            self._metadata(made, entry, new=new)
        finally:
            os.close(made)
        self._hand_on(entry)

    def _hand_on(self, directory: Entry) -> None:
        if self._elsewhere and _HANDED_ON in (directory.xattrs or ()):
            self._elsewhere.stop()

    def _link(self, fd: int, name: bytes, entry: Entry) -> None:
        found = parts(entry.link)
        if not found:
            raise InvalidArgument(f"invalid hardlink {_text(entry.name)} -> {_text(entry.link)}")
        if self._base:
            found = [self._base, *found]
        with self._root.parent(b"/".join(found)) as (source_fd, source_name):
            os.link(source_name, name, src_dir_fd=source_fd, dst_dir_fd=fd, follow_symlinks=False)

    def _metadata(self, fd: int, entry: Entry, *, new: bool = False) -> None:
        """Owner first: chown clears setuid bits and file capabilities. `new`: we made it, so it
        is root's already unless its directory hands its group on."""
        uid, gid = self._owner or (entry.uid, entry.gid)
        if uid or gid or self._inherits or not new:
            os.fchown(fd, uid, gid)
        os.fchmod(fd, entry.mode & 0o7777)
        if entry.xattrs:
            _set_xattrs(fd, entry.xattrs)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))

    def _replace(self, fd: int, parent: bytes, name: bytes, entry: Entry) -> None:
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if self._whiteouts and not (stat.S_ISCHR(status.st_mode) and status.st_rdev == 0):
            raise InvalidArgument("duplicates of file paths not supported")
        is_directory = stat.S_ISDIR(status.st_mode)
        if self._keep and is_directory != (entry.type == DIRECTORY):
            what = "directory", "non-directory"
            a, b = what if is_directory else what[::-1]
            raise InvalidArgument(
                f'cannot overwrite {a} "{_text(parent)}/{_text(name)}" with {b} '
                f'"{_text(self._base) or "/"}"'
            )
        remove_entry(fd, name)

    def _whiteout(self, fd: int, name: bytes) -> None:
        if name == _OPAQUE:
            os.setxattr(fd, self._opaque, b"y")
            return
        if name.startswith(_META):
            return  # aufs' own book-keeping
        hidden = name[len(_WHITEOUT) :]
        if hidden in (b"", b".", b".."):
            raise InvalidArgument(f"invalid whiteout name {_text(name)}")
        try:
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=fd)
        except FileExistsError:
            raise InvalidArgument(
                f"failed to mknod('{_text(hidden)}', S_IFCHR, 0): file exists"
            ) from None


def _create_file(directory: int, name: bytes) -> int:
    return os.open(name, _CREATE, 0o600, dir_fd=directory)


def _create_directory(directory: int, name: bytes) -> int:
    os.mkdir(name, 0o700, dir_fd=directory)
    return -1


def _create_link(directory: int, name: bytes, target: bytes) -> int:
    os.symlink(target, name, dir_fd=directory)
    return -1


def _write(fd: int, chunk: bytes) -> None:
    done = os.write(fd, chunk)
    while done < len(chunk):
        done += os.write(fd, memoryview(chunk)[done:])


def _write_holes(fd: int, source: Source, holes: list[tuple[int, int]]) -> None:
    """The stored bytes where they belong; `holes` is checked to fit them."""
    places = iter(holes)
    left = 0
    for chunk in source.data():
        view = memoryview(chunk)
        while view:
            while not left:
                offset, left = next(places)
                os.lseek(fd, offset, os.SEEK_SET)
            done = os.write(fd, view[:left])
            left -= done
            view = view[done:]


def _set_xattrs(target: int | bytes, xattrs: dict[bytes, bytes]) -> None:
    for key, value in xattrs.items():
        if b"overlay." in key and key.startswith((b"trusted.", b"user.")):
            continue  # would steer the kernel's overlay, not describe a file
        try:
            if isinstance(target, int):
                os.setxattr(target, key, value)
            else:
                os.setxattr(target, key, value, follow_symlinks=False)
        except OSError as e:
            # as Docker: a filesystem or namespace that cannot hold it
            if e.errno == errno.ENOTSUP or (e.errno == errno.EPERM and key.startswith(b"user.")):
                continue
            raise


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
