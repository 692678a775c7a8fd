"""Paths inside a rootfs, resolved by the kernel on fds, and what is put there.

Never a string that was checked before: openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) gives the
fd that is then acted on, so a directory swapped for a symlink meanwhile changes nothing.
"""

from __future__ import annotations

import os
import stat
import struct

from orlop.kernel import libc

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_ELOOP = 40
_EAGAIN = 11
_ATTEMPTS = 128
_MAX_LINKS = 40
_IN_ROOT = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS


def open_beneath(dirfd: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
    """openat2(2), close-on-exec; EAGAIN (a rename raced with "..") is tried again."""
    how = struct.pack("=3Q", flags | os.O_CLOEXEC, mode, resolve)
    for attempt in range(_ATTEMPTS):
        try:
            return libc.call("openat2", dirfd, os.fsencode(path), how, len(how), path=path)
        except OSError as error:
            if error.errno != _EAGAIN or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def open_in(root: int, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` as a process chrooted to `root` would see it. Raises OSError."""
    return open_beneath(root, path or "/", flags, _IN_ROOT)


def make_directory(root: int, path: str, mode: int = 0o755) -> int:
    """O_PATH fd of the directory `path`, made with its parents where missing."""
    try:
        return open_in(root, path, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        return _make(root, path, _mkdir, mode, _MAX_LINKS)


def make_file(root: int, path: str, mode: int = 0o755) -> int:
    """O_PATH fd of `path`, an empty file made with its parents where missing."""
    try:
        return open_in(root, path)
    except FileNotFoundError:
        return _make(root, path, _touch, mode, _MAX_LINKS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _make(
    root: int, path: str, create: Callable[[str, int, int], None], mode: int, links: int
) -> int:
    parent_path, name = os.path.split(path.rstrip("/"))
    if not name or name == "..":
        raise FileNotFoundError(2, os.strerror(2), path)
    parent = make_directory(root, parent_path or "/")
    try:
        try:
            create(name, parent, mode)
        except FileExistsError:
            # A dangling link, or another container made it in a shared volume just now.
            target = _link_target(name, parent)
            if target is not None:
                if links == 0:
                    raise OSError(_ELOOP, os.strerror(_ELOOP), path) from None
                path = os.path.join(parent_path or "/", target)
                return _make(root, path, create, mode, links - 1)
    finally:
        os.close(parent)
    return open_in(root, path)


def _mkdir(name: str, parent: int, mode: int) -> None:
    os.mkdir(name, mode, dir_fd=parent)


def _touch(name: str, parent: int, mode: int) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(name, flags, mode, dir_fd=parent))


def _link_target(name: str, parent: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return None


def is_directory(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def is_null_device(fd: int) -> bool:
    found = os.fstat(fd)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 3)


def split(path: str) -> tuple[str, str]:
    """(parent, last name) of an absolute path inside the rootfs."""
    parent, name = os.path.split(path.rstrip("/"))
    return parent or "/", name
