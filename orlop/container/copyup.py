"""Fill a new, empty volume with what the image has at its mount point.

The image is hostile: its directory is opened inside the rootfs (a link may not lead out, CVE
class S20), and below it every step is one component on a directory fd without following links.
A volume that holds anything is left alone.
"""

from __future__ import annotations

import os
import stat

from orlop.errors import SystemFailure
from orlop.paths import Root, copy_xattrs

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_DEEPEST = 256


def is_empty(directory: str) -> bool:
    with os.scandir(directory) as entries:
        return next(entries, None) is None


def fill(root: Root, path: str, volume: str) -> None:
    """Copy `path` of the rootfs into the volume's directory. Absent paths copy nothing."""
    if not is_empty(volume):
        return
    try:
        source = root.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        target = os.open(volume, _DIRECTORY)
        try:
            with Root(target) as top:
                _Copy(top).directory(source, target, "")
            _copy_metadata(source, target, os.fstat(source))
        finally:
            os.close(target)
    finally:
        os.close(source)


class _Copy:
    """One copy: remembers where the first name of each hard-linked file went."""

    def __init__(self, volume: Root) -> None:
        self._volume = volume
        self._links: dict[tuple[int, int], tuple[str, str]] = {}

    def directory(self, source: int, target: int, where: str) -> None:
        """Copy the entries. `where`: the target's path inside the volume."""
        if where.count("/") > _DEEPEST:
            raise SystemFailure(f"directory tree too deep to copy into a volume: {where[:100]}")
        with os.scandir(source) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            st = os.stat(name, dir_fd=source, follow_symlinks=False)
            kind = stat.S_IFMT(st.st_mode)
            if kind == stat.S_IFDIR:
                self._subdirectory(name, st, source, target, f"{where}/{name}")
            elif kind == stat.S_IFREG:
                self._file(name, st, source, target, where)
            elif kind == stat.S_IFLNK:
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
                os.chown(name, st.st_uid, st.st_gid, dir_fd=target, follow_symlinks=False)
                _set_times(name, st, target)
            elif kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO):
                os.mknod(name, st.st_mode, st.st_rdev, dir_fd=target)
                os.chown(name, st.st_uid, st.st_gid, dir_fd=target, follow_symlinks=False)
                _set_times(name, st, target)

    def _subdirectory(
        self, name: str, st: os.stat_result, source: int, target: int, where: str
    ) -> None:
        inner = os.open(name, _DIRECTORY, dir_fd=source)
        try:
            os.mkdir(name, 0o700, dir_fd=target)
            made = os.open(name, _DIRECTORY, dir_fd=target)
            try:
                self.directory(inner, made, where)
                _copy_metadata(inner, made, st)
            finally:
                os.close(made)
        finally:
            os.close(inner)

    def _file(self, name: str, st: os.stat_result, source: int, target: int, where: str) -> None:
        key = (st.st_dev, st.st_ino)
        if st.st_nlink > 1 and key in self._links:
            self._link(self._links[key], name, target)
            return
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        read = os.open(name, flags, dir_fd=source)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            write = os.open(name, flags, 0o600, dir_fd=target)
            try:
                while os.sendfile(write, read, None, _CHUNK):
                    pass
                _copy_metadata(read, write, st)
            finally:
                os.close(write)
        finally:
            os.close(read)
        if st.st_nlink > 1:
            self._links[key] = (where, name)

    def _link(self, first: tuple[str, str], name: str, target: int) -> None:
        parent = self._volume.open(first[0] or "/", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.link(first[1], name, src_dir_fd=parent, dst_dir_fd=target, follow_symlinks=False)
        finally:
            os.close(parent)


def _copy_metadata(source: int, target: int, st: os.stat_result) -> None:
    os.fchown(target, st.st_uid, st.st_gid)
    os.fchmod(target, stat.S_IMODE(st.st_mode))  # after chown, which clears setuid
    try:
        copy_xattrs(source, target)
    except OSError:
        pass  # the volume's file system may not know one
    os.utime(target, ns=(st.st_atime_ns, st.st_mtime_ns))


def _set_times(name: str, st: os.stat_result, target: int) -> None:
    os.utime(name, ns=(st.st_atime_ns, st.st_mtime_ns), dir_fd=target, follow_symlinks=False)
