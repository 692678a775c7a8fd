"""What a container changed: its tree compared with what lies under it.

Only what is in the upper directory is looked at; the merged lower layers answer what was there.
A file that was copied up but is as it was is no change (Docker compares the same fields).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from orlop.paths import Root
from orlop.storage.walk import walk

MODIFIED, ADDED, DELETED = 0, 1, 2
OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque")
_MARK = ".wh..wh..opq"  # fuse-overlayfs marks with a file of this name as well
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class Change:
    path: str  # absolute in the container; bytes that are not UTF-8 as surrogates
    kind: int


def compare(upper: int, lower: int) -> list[Change]:
    """Changes of the overlay upper directory against the merged lower tree (both by fd)."""
    out: list[Change] = []
    _directory(upper, lower, "", out)
    out.sort(key=lambda c: os.fsencode(c.path))
    return out


def compare_whole(tree: int, below: int) -> list[Change]:
    """The same for a tree that is whole itself, against the whole tree it was copied from."""
    out: list[Change] = []
    _whole_directory(tree, below, "", out)
    out.sort(key=lambda c: os.fsencode(c.path))
    return out


def _whole_directory(tree: int, below: int, path: str, out: list[Change]) -> bool:
    """True when anything below changed."""
    start = len(out)
    names = os.listdir(tree)
    for name in names:
        now = os.stat(name, dir_fd=tree, follow_symlinks=False)
        before = _stat(below, name)
        where = f"{path}/{name}"
        if before is None:
            _added(tree, name, now, where, out)
            continue
        changed = False
        if stat.S_ISDIR(now.st_mode) and stat.S_ISDIR(before.st_mode):
            changed = _both(tree, below, name, where, out)
        elif stat.S_ISDIR(now.st_mode):
            _children(tree, name, where, out)
        if changed or differs(now, before):
            out.append(Change(where, MODIFIED))
    gone = set(_names(below)).difference(names)
    out.extend(Change(f"{path}/{name}", DELETED) for name in gone)
    return len(out) > start


def _both(tree: int, below: int, name: str, path: str, out: list[Change]) -> bool:
    inner = os.open(name, _DIRECTORY, dir_fd=tree)
    try:
        lower = os.open(name, _DIRECTORY, dir_fd=below)
        try:
            return _whole_directory(inner, lower, path, out)
        finally:
            os.close(lower)
    finally:
        os.close(inner)


def _added(tree: int, name: str, status: os.stat_result, path: str, out: list[Change]) -> None:
    out.append(Change(path, ADDED))
    if stat.S_ISDIR(status.st_mode):
        _children(tree, name, path, out)


def _children(tree: int, name: str, path: str, out: list[Change]) -> None:
    inner = os.open(name, _DIRECTORY, dir_fd=tree)
    try:
        for child in os.listdir(inner):
            status = os.stat(child, dir_fd=inner, follow_symlinks=False)
            _added(inner, child, status, f"{path}/{child}", out)
    finally:
        os.close(inner)


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(fd: int) -> bool:
    for name in OPAQUE:
        try:
            if os.getxattr(fd, name) == b"y":
                return True
        except OSError:
            continue
    return False


def _directory(upper: int, lower: int | None, path: str, out: list[Change]) -> bool:
    """Compare one directory; True when anything below changed."""
    start = len(out)
    opaque = lower is not None and path != "" and is_opaque(upper)
    names = set()
    for name in os.listdir(upper):
        if name == _MARK:
            opaque = lower is not None
            continue
        names.add(name)
        _entry(upper, lower, name, f"{path}/{name}", out)
    if opaque and lower is not None:
        for name in _names(lower):
            if name not in names:
                out.append(Change(f"{path}/{name}", DELETED))
    return len(out) > start


def _entry(upper: int, lower: int | None, name: str, path: str, out: list[Change]) -> None:
    status = os.stat(name, dir_fd=upper, follow_symlinks=False)
    before = _stat(lower, name)
    if is_whiteout(status):
        if before is not None:
            out.append(Change(path, DELETED))
        return
    if not stat.S_ISDIR(status.st_mode):
        if before is None:
            out.append(Change(path, ADDED))
        elif differs(status, before):
            out.append(Change(path, MODIFIED))
        return
    was_directory = before is not None and stat.S_ISDIR(before.st_mode)
    with_children = os.open(name, _DIRECTORY, dir_fd=upper)
    try:
        below = os.open(name, _PATH, dir_fd=lower) if was_directory and lower is not None else None
        try:
            found: list[Change] = []
            changed = _directory(with_children, below, path, found)
            if before is None:
                out.append(Change(path, ADDED))
            elif changed or not was_directory or differs(status, before):
                out.append(Change(path, MODIFIED))
            out.extend(found)
        finally:
            if below is not None:
                os.close(below)
    finally:
        os.close(with_children)


def differs(now: os.stat_result, before: os.stat_result) -> bool:
    """Mode, owner, device; for what is not a directory also time and size."""
    if (now.st_mode, now.st_uid, now.st_gid) != (before.st_mode, before.st_uid, before.st_gid):
        return True
    if stat.S_ISDIR(now.st_mode):
        return False
    return (now.st_mtime_ns, now.st_size, now.st_rdev) != (
        before.st_mtime_ns,
        before.st_size,
        before.st_rdev,
    )


def _stat(directory: int | None, name: str) -> os.stat_result | None:
    if directory is None:
        return None
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _names(directory: int) -> Iterator[str]:
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        yield from os.listdir(fd)
    finally:
        os.close(fd)


def usage(fd: int) -> int:
    """Bytes of the files and link texts below a directory, hard links counted once."""
    total = 0
    seen: set[int] = set()
    for status in walk(fd, lambda found: True):
        if stat.S_ISDIR(status.st_mode):
            continue
        if status.st_nlink == 1 or status.st_ino not in seen:
            seen.add(status.st_ino)
            total += status.st_size
    return total


def usage_of(tree: int, changes: list[Change]) -> int:
    """Bytes of the files and link texts among the changes of a whole tree."""
    total = 0
    seen: set[int] = set()
    with Root(tree) as root:
        for change in changes:
            if change.kind == DELETED:
                continue
            try:
                status = root.stat(change.path)
            except FileNotFoundError:
                continue  # a running container removed it
            if stat.S_ISDIR(status.st_mode) or status.st_ino in seen:
                continue
            if status.st_nlink > 1:
                seen.add(status.st_ino)
            total += status.st_size
    return total
