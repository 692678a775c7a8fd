"""Mounts: mount(2) and the fd-based family (open_tree, move_mount, mount_setattr, fsopen).

The fd-based calls take no path inside a container: a mount is made detached, then moved onto an fd
that was resolved once (man 2 open_tree, move_mount, mount_setattr; fsopen in the kernel's
Documentation/filesystems/mount_api.rst). mount_setattr sets the lowest kernel: 5.12.
"""

from __future__ import annotations

import ctypes
import os
import struct

from orlop.kernel import libc

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20

MNT_DETACH = 2

ATTR_RDONLY = 0x1
ATTR_NOSUID = 0x2
ATTR_NODEV = 0x4
ATTR_NOEXEC = 0x8
ATTR_ATIME = 0x70  # the mask; its values follow
ATTR_RELATIME = 0x00
ATTR_NOATIME = 0x10
ATTR_STRICTATIME = 0x20
ATTR_NODIRATIME = 0x80
ATTR_IDMAP = 0x100000
ATTR_NOSYMFOLLOW = 0x200000

AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
AT_SYMLINK_NOFOLLOW = 0x100

_OPEN_TREE_CLONE = 1
_MOVE_F_EMPTY_PATH = 0x04
_MOVE_T_EMPTY_PATH = 0x40
_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_SET_FD = 5
_FSCONFIG_CMD_CREATE = 6
_FS_CLOEXEC = 1

PROC_MAGIC = 0x9FA0
SYSFS_MAGIC = 0x62656572
TMPFS_MAGIC = 0x01021994
DEVPTS_MAGIC = 0x1CD1
CGROUP2_MAGIC = 0x63677270
CGROUP_MAGIC = 0x27E0EB
OVERLAY_MAGIC = 0x794C7630


def mount(
    source: str | None, target: str, fstype: str | None, flags: int, data: str | None = None
) -> None:
    """mount(2). Raises OSError with the target."""
    libc.call(
        "mount",
        _text(source),
        os.fsencode(target),
        _text(fstype),
        flags,
        _text(data),
        path=target,
    )


def umount(target: str, flags: int = 0) -> None:
    """umount2(2). Raises OSError with the target."""
    libc.call("umount2", os.fsencode(target), flags, path=target)


def pivot_root(new: str, old: str) -> None:
    libc.call("pivot_root", os.fsencode(new), os.fsencode(old), path=new)


def open_tree(
    dirfd: int, path: str = "", *, recursive: bool = False, clone: bool = True, follow: bool = True
) -> int:
    """A detached copy of the mount at `path` (or of `dirfd` itself), close-on-exec."""
    flags = os.O_CLOEXEC | (0 if follow else AT_SYMLINK_NOFOLLOW)
    if clone:
        flags |= _OPEN_TREE_CLONE
    if recursive:
        flags |= AT_RECURSIVE
    if not path:
        flags |= AT_EMPTY_PATH
    return libc.call("open_tree", dirfd, os.fsencode(path), flags, path=path or None)


def move_mount(mount_fd: int, target_fd: int, *, path: str = "") -> None:
    """Attach the detached mount `mount_fd` onto what `target_fd` holds; `path` labels errors."""
    libc.call(
        "move_mount",
        mount_fd,
        b"",
        target_fd,
        b"",
        _MOVE_F_EMPTY_PATH | _MOVE_T_EMPTY_PATH,
        path=path or None,
    )


def mount_setattr(
    fd: int,
    path: str = "",
    *,
    set: int = 0,
    clear: int = 0,
    propagation: int = 0,
    recursive: bool = False,
    userns_fd: int = 0,
) -> None:
    """Change attributes of the mount at `fd`/`path`; flags not named keep their value."""
    attributes = struct.pack("=4Q", set, clear, propagation, userns_fd)
    flags = (AT_RECURSIVE if recursive else 0) | (0 if path else AT_EMPTY_PATH)
    libc.call(
        "mount_setattr",
        fd,
        os.fsencode(path),
        flags,
        attributes,
        len(attributes),
        path=path or None,
    )


def new_mount(
    fstype: str,
    options: list[tuple[str, str | None]],
    *,
    source: str | None = None,
    attributes: int = 0,
) -> int:
    """A new detached instance of `fstype`; the fd of its mount.

    `options` are (key, value) pairs, None for a flag. Raises OSError whose text carries what the
    kernel logged in the file system context.
    """
    context = libc.call("fsopen", fstype.encode(), _FS_CLOEXEC, path=fstype)
    try:
        if source is not None:
            _set(context, "source", source)
        for key, value in options:
            _set(context, key, value)
        libc.call("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return libc.call("fsmount", context, _FS_CLOEXEC, attributes)
    except OSError as error:
        told = _context_log(context)
        raise OSError(error.errno, told or error.strerror, error.filename or fstype) from None
    finally:
        os.close(context)


def _set(context: int, key: str, value: str | None) -> None:
    kind = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
    libc.call("fsconfig", context, kind, key.encode(), _text(value), 0, path=key)


def _context_log(context: int) -> str:
    """The messages the kernel left in a file system context, without their level letter."""
    lines = []
    try:
        while True:
            lines.append(os.read(context, 4096).decode(errors="replace").strip()[2:])
    except OSError:
        return "; ".join(lines)


def filesystem_magic(fd: int) -> int:
    """f_type of the file system behind `fd` (statfs(2); os.statvfs does not tell it)."""
    buffer = ctypes.create_string_buffer(256)
    libc.finish(libc.LIBC.fstatfs(fd, buffer))
    return int(ctypes.c_long.from_buffer(buffer).value) & 0xFFFFFFFF


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)
