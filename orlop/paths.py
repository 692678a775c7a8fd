"""The only module that walks a path inside a rootfs, layer, volume or build context.

Everything below a `Root` is hostile: links lead anywhere and change while we look. So a path is
resolved by the kernel in one call (openat2 with RESOLVE_IN_ROOT and NO_MAGICLINKS: an absolute
link or `..` stops at the root), and what comes back is a file descriptor, never a string that is
used again.

Invariant: nothing outside the root is opened, made, changed or removed through a `Root`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from orlop.kernel.openat2 import BENEATH, IN_ROOT, NO_MAGICLINKS, openat2

Pathish = str | bytes | os.PathLike[str]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LINKS = 40  # as the kernel's MAXSYMLINKS
_DEEP = 64  # levels that a removal holds open


def _bytes(path: Pathish) -> bytes:
    return os.fsencode(path)


def split(path: Pathish) -> tuple[bytes, bytes]:
    """(parent, last component) by text; the last component of "/" and "a/.." is b""."""
    parent, _, name = _bytes(path).rstrip(b"/").rpartition(b"/")
    if name in (b"", b".", b".."):
        return _bytes(path), b""
    return parent, name


class Parent:
    """An open directory and the name of an entry in it; closes the directory on exit."""

    __slots__ = ("_fd", "_name")

    def __init__(self, fd: int, name: bytes) -> None:
        self._fd = fd
        self._name = name

    def __enter__(self) -> tuple[int, bytes]:
        return self._fd, self._name

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


class Root:
    """A directory tree that path lookups cannot leave. A context manager; owns one fd."""

    __slots__ = ("fd",)

    def __init__(self, where: Pathish | int) -> None:
        """`where`: a trusted host path, or an open directory fd (duplicated)."""
        if isinstance(where, int):
            self.fd = os.dup(where)
        else:
            self.fd = os.open(where, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, path: Pathish, flags: int, mode: int = 0, *, follow: bool = True) -> int:
        """Open inside the root; `follow`: a link as last component is followed (in the root)."""
        if not follow:
            flags |= os.O_NOFOLLOW
        return openat2(self.fd, _bytes(path), flags, mode, IN_ROOT | NO_MAGICLINKS)

    def opath(self, path: Pathish, *, follow: bool = True) -> int:
        """An O_PATH descriptor: names the file without opening it (no FIFO blocks, no device)."""
        return self.open(path, os.O_PATH, follow=follow)

    def beneath(self, path: Pathish) -> int:
        """As `opath`, but a path that leads out of the root is an error: OSError EXDEV."""
        inside = _bytes(path).lstrip(b"/") or b"."
        return openat2(self.fd, inside, os.O_PATH, 0, BENEATH | NO_MAGICLINKS)

    def directory(self, path: Pathish) -> int:
        """A readable descriptor of a directory."""
        return self.open(path, _DIRECTORY)

    def parent(self, path: Pathish) -> Parent:
        """Context manager: (descriptor of the parent directory, last component) for *at calls.

        Raises OSError EINVAL when the path names no entry of a directory ("/", "a/..").
        """
        head, name = split(path)
        if not name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fsdecode(_bytes(path)))
        return Parent(self.open(head, os.O_PATH | os.O_DIRECTORY), name)

    def stat(self, path: Pathish, *, follow: bool = False) -> os.stat_result:
        fd = self.opath(path, follow=follow)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def exists(self, path: Pathish, *, follow: bool = False) -> bool:
        try:
            self.stat(path, follow=follow)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def readlink(self, path: Pathish) -> bytes:
        with self.parent(path) as (fd, name):
            return os.readlink(name, dir_fd=fd)

    def resolve(self, path: Pathish) -> bytes:
        """The path with every link resolved in the root, absolute in it; missing parts kept.

        A text for messages and labels: act on descriptors, not on it.
        """
        done: list[bytes] = []
        todo = [p for p in _bytes(path).split(b"/") if p][::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part == b".":
                continue
            if part == b"..":
                done[-1:] = []
                continue
            here = b"/".join([*done, part])
            try:
                target = self.readlink(here)
            except OSError:
                done.append(part)
                continue
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(_bytes(path)))
            if target.startswith(b"/"):
                done = []
            todo += [p for p in target.split(b"/") if p][::-1]
        return b"/" + b"/".join(done)

    def names(self, path: Pathish) -> list[bytes]:
        """Sorted entries of a directory."""
        fd = self.directory(path)
        try:
            return sorted(os.fsencode(n) for n in os.listdir(fd))
        finally:
            os.close(fd)

    def mkdir_all(self, path: Pathish, mode: int = 0o755, uid: int = 0, gid: int = 0) -> int:
        """Make what is missing of `path` (following links in the root), return it as O_PATH fd."""
        here = os.dup(self.fd)
        done = b""
        try:
            for part in self.resolve(path).split(b"/"):
                if not part:
                    continue
                done += b"/" + part
                made = False
                try:
                    os.mkdir(part, mode, dir_fd=here)
                    made = True
                except FileExistsError:
                    pass
                if made:
                    fd = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                    try:
                        os.fchown(fd, uid, gid)
                        os.fchmod(fd, mode)
                    finally:
                        os.close(fd)
                following = self.open(done, os.O_PATH | os.O_DIRECTORY)
                os.close(here)
                here = following
        except BaseException:
            os.close(here)
            raise
        return here

    def replace_file(
        self, path: Pathish, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0
    ) -> None:
        """Put a regular file at `path` by rename; a link there is replaced, not followed."""
        with self.parent(path) as (fd, name):
            temp = b".orlop-" + os.urandom(8).hex().encode()
            out = os.open(
                temp,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=fd,
            )
            try:
                try:
                    view = memoryview(data)
                    while view:
                        view = view[os.write(out, view) :]
                    os.fchown(out, uid, gid)
                    os.fchmod(out, mode)
                finally:
                    os.close(out)
                os.rename(temp, name, src_dir_fd=fd, dst_dir_fd=fd)
            except BaseException:
                os.unlink(temp, dir_fd=fd)
                raise

    def symlink(self, target: bytes, path: Pathish) -> None:
        with self.parent(path) as (fd, name):
            os.symlink(target, name, dir_fd=fd)

    def unlink(self, path: Pathish) -> None:
        with self.parent(path) as (fd, name):
            os.unlink(name, dir_fd=fd)

    def rmtree(self, path: Pathish) -> None:
        """Remove an entry and what is below it; links are removed, not followed."""
        with self.parent(path) as (fd, name):
            remove_entry(fd, name)


def remove_entry(dirfd: int, name: bytes, pause: Callable[[], None] | None = None) -> None:
    """Remove `name` of an open directory, recursively, without following anything.

    `pause` is called before each file.
    """
    try:
        os.unlink(name, dir_fd=dirfd)
        return
    except IsADirectoryError:
        pass
    empty(dirfd, name, pause)
    os.rmdir(name, dir_fd=dirfd)


def empty(dirfd: int, name: bytes, pause: Callable[[], None] | None = None) -> None:
    """Remove what a directory holds, depth first, on descriptors.

    A container may nest directories deeper than a process may hold descriptors: what lies below
    `_DEEP` levels is moved up first, next to the top, and removed from there.
    """
    stack: list[tuple[int, list[bytes], bytes]] = []
    moved = 0

    def enter(parent: int, child: bytes) -> None:
        fd = os.open(child, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        stack.append((fd, [os.fsencode(n) for n in os.listdir(fd)], child))

    enter(dirfd, name)
    try:
        while stack:
            fd, left, own = stack[-1]
            if not left:
                stack.pop()
                os.close(fd)
                if stack:
                    os.rmdir(own, dir_fd=stack[-1][0])
                continue
            child = left.pop()
            if pause is not None:
                pause()
            try:
                os.unlink(child, dir_fd=fd)
                continue
            except IsADirectoryError:
                pass
            if len(stack) > _DEEP:
                moved += 1
                shallow = b".orlop-removing-%d" % moved
                try:
                    os.rename(child, shallow, src_dir_fd=fd, dst_dir_fd=stack[0][0])
                    stack[0][1].append(shallow)
                    continue
                except OSError:
                    pass  # a directory of a lower layer does not move (EXDEV): go down to it
            enter(fd, child)
    finally:
        for fd, _, _ in stack:
            os.close(fd)


def copy_xattrs(source: int, target: int) -> None:
    """Copy the extended attributes of one descriptor to another, except overlay's own."""
    for name in os.listxattr(source):
        if not name.startswith(("trusted.overlay.", "user.overlay.")):
            os.setxattr(target, name, os.getxattr(source, name))


def is_directory(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode)
