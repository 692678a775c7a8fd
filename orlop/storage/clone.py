"""Whole trees: a copy of one, and a layer's difference laid into one.

For drivers without a union mount. Both sides are walked on descriptors, one component at a time,
and nothing is followed: a layer may hold links to anywhere. Contents are shared where the
filesystem can (FICLONE), else copied in the kernel.
"""

from __future__ import annotations

import errno
import os
import stat

from orlop.errors import SystemFailure
from orlop.kernel.btrfs import share_contents
from orlop.paths import Root, remove_entry
from orlop.storage.changes import is_opaque, is_whiteout

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 30
_DEEPEST = 1000  # levels; two descriptors each
_OVERLAY = ("trusted.overlay.", "user.overlay.")
_NOT_TAKEN = (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL)


def clone_tree(source: int, target: int, *, attributes: bool = True) -> None:
    """Copy everything below directory `source` into the empty directory `target`.

    Without `attributes` those that the target's filesystem does not take are left out.
    """
    with _Clone(target, attributes) as clone:
        clone.directory(source, target, b"", merging=False)


def merge_tree(difference: int, target: int) -> None:
    """Lay a layer's tree, with overlay's whiteouts, over a whole tree. It is used up by that."""
    with _Clone(target) as clone:
        clone.directory(difference, target, b"", merging=True)


class _Clone:
    """Remembers where the first name of each hard-linked file went."""

    def __init__(self, target: int, attributes: bool = True) -> None:
        self._root = Root(target)
        self._attributes = attributes
        self._links: dict[tuple[int, int], bytes] = {}

    def __enter__(self) -> _Clone:
        return self

    def __exit__(self, *_: object) -> None:
        self._root.close()

    def directory(self, source: int, target: int, where: bytes, *, merging: bool) -> None:
        """The entries, then the directory's own owner, mode, attributes and times."""
        if where.count(b"/") > _DEEPEST:
            raise SystemFailure(f"directory tree too deep to copy: {where[:100]!r}")
        if merging and is_opaque(source):
            for hidden in os.listdir(target):
                remove_entry(target, os.fsencode(hidden))
        for name in map(os.fsencode, os.listdir(source)):
            status = os.stat(name, dir_fd=source, follow_symlinks=False)
            path = where + b"/" + name
            if merging and is_whiteout(status):
                _remove(target, name)
            elif stat.S_ISDIR(status.st_mode):
                self._subdirectory(source, target, name, path, merging)
            else:
                if merging:
                    _remove(target, name)
                    if _moved(source, target, name):
                        continue
                self._leaf(source, target, name, path, status)
        self._metadata(source, target, os.fstat(source))

    def _subdirectory(
        self, source: int, target: int, name: bytes, path: bytes, merging: bool
    ) -> None:
        inner = os.open(name, _DIRECTORY, dir_fd=source)
        try:
            made = _enter(target, name)
            try:
                self.directory(inner, made, path, merging=merging)
            finally:
                os.close(made)
        finally:
            os.close(inner)

    def _leaf(
        self, source: int, target: int, name: bytes, path: bytes, status: os.stat_result
    ) -> None:
        key = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and key in self._links:
            self._link(self._links[key], target, name)
            return
        if status.st_nlink > 1:
            self._links[key] = path
        if stat.S_ISREG(status.st_mode):
            self._file(source, target, name, status)
            return
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        elif stat.S_ISSOCK(status.st_mode):
            return  # of a process that is gone
        else:
            os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
            os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        times = (status.st_atime_ns, status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)

    def _file(self, source: int, target: int, name: bytes, status: os.stat_result) -> None:
        read = os.open(name, _READ, dir_fd=source)
        try:
            write = os.open(name, _WRITE, 0o600, dir_fd=target)
            try:
                if status.st_size and not share_contents(read, write):
                    _copy_data(read, write, status.st_size)
                self._metadata(read, write, status)
            finally:
                os.close(write)
        finally:
            os.close(read)

    def _metadata(self, source: int, target: int, status: os.stat_result) -> None:
        os.fchown(target, status.st_uid, status.st_gid)
        os.fchmod(target, stat.S_IMODE(status.st_mode))  # after chown, which clears setuid
        _copy_attributes(source, target, all_of_them=self._attributes)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _link(self, first: bytes, target: int, name: bytes) -> None:
        with self._root.parent(first) as (parent, old):
            os.link(old, name, src_dir_fd=parent, dst_dir_fd=target, follow_symlinks=False)


def _enter(target: int, name: bytes) -> int:
    """The directory `name` in the target; what else has the name makes room for it."""
    try:
        os.mkdir(name, 0o700, dir_fd=target)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=target)
            os.mkdir(name, 0o700, dir_fd=target)
    return os.open(name, _DIRECTORY, dir_fd=target)


def _remove(target: int, name: bytes) -> None:
    try:
        remove_entry(target, name)
    except FileNotFoundError:
        pass


def _moved(source: int, target: int, name: bytes) -> bool:
    """Renaming keeps hard links and costs nothing; between subvolumes the kernel refuses it."""
    try:
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _copy_data(read: int, write: int, size: int) -> None:
    """Only what is there: a sparse file of 1 TB stays sparse."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(read, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nothing but a hole is left
                raise
            break
        end = os.lseek(read, begin, os.SEEK_HOLE)
        while begin < end:
            done = _copy_range(read, write, begin, min(end - begin, _CHUNK))
            if done == 0:
                break
            begin += done
        at = end
    os.ftruncate(write, size)


def _copy_range(read: int, write: int, at: int, count: int) -> int:
    try:
        return os.copy_file_range(read, write, count, at, at)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP):
            raise
    os.lseek(write, at, os.SEEK_SET)  # filesystems of two kinds
    return os.sendfile(write, read, at, count)


def _copy_attributes(source: int, target: int, *, all_of_them: bool) -> None:
    wanted = [name for name in os.listxattr(source) if not name.startswith(_OVERLAY)]
    for name in os.listxattr(target):
        if name not in wanted:
            os.removexattr(target, name)
    for name in wanted:
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError as error:
            if all_of_them or error.errno not in _NOT_TAKEN:
                raise
