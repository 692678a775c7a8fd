"""Unpack what a container sent, below one directory and nowhere else.

Members are walked on directory descriptors with O_NOFOLLOW: a link that the archive made is never
followed by a later member. Reading is `tarfile`'s (headers only), writing is ours.
"""

import io
import os
import tarfile

from orlop.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class _Stream(io.RawIOBase):
    def __init__(self, chunks: "Iterator[bytes]") -> None:
        self._chunks = chunks
        self._left = b""
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Any") -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
            self.size += len(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def unpack(chunks: "Iterator[bytes]", directory: str, first: str, called: str) -> int:
    """Bytes of the stream. Members below `first` are put below `called` in `directory`."""
    stream = _Stream(chunks)
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    modes: list[tuple[list[str], tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=io.BufferedReader(stream, 1 << 18), mode="r|") as tar:
            for member in tar:
                parts = _renamed(member.name, first, called)
                _one(tar, member, top, parts, first, called)
                if member.isdir():
                    modes.append((parts, member))
        for parts, member in reversed(modes):
            _finish(top, parts, member)
        while stream.readinto(bytearray(1 << 16)):
            pass
    except tarfile.TarError as e:
        raise Failure(f"the archive from the daemon is damaged: {e}") from None
    except OSError as e:
        raise Failure(f"{(e.strerror or str(e)).lower()}: {e.filename or directory}") from None
    finally:
        os.close(top)
    return stream.size


def _renamed(name: str, first: str, called: str) -> list[str]:
    parts = [p for p in name.split("/") if p not in ("", ".")]
    if ".." in parts:
        raise Failure(f"the archive from the daemon leaves its directory: {name}")
    if first != ".":
        parts = parts[1:]
    return ([] if called == "." else [called]) + parts


def _parent(top: int, parts: list[str]) -> int:
    fd = os.dup(top)
    for part in parts:
        try:
            os.mkdir(part, 0o755, dir_fd=fd)
        except FileExistsError:
            pass
        following = os.open(part, _OPEN, dir_fd=fd)
        os.close(fd)
        fd = following
    return fd


def _one(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    top: int,
    parts: list[str],
    first: str,
    called: str,
) -> None:
    if not parts:
        return
    fd = _parent(top, parts[:-1])
    name = parts[-1]
    try:
        if member.isdir():
            try:
                os.mkdir(name, 0o700, dir_fd=fd)
            except FileExistsError:
                pass
            return
        try:
            os.unlink(name, dir_fd=fd)
        except FileNotFoundError:
            pass
        if member.issym():
            os.symlink(member.linkname, name, dir_fd=fd)
        elif member.islnk():
            other = _renamed(member.linkname, first, called)
            source = _parent(top, other[:-1])
            try:
                os.link(other[-1], name, src_dir_fd=source, dst_dir_fd=fd, follow_symlinks=False)
            finally:
                os.close(source)
        elif member.isreg():
            _file(tar, member, fd, name)
    finally:
        os.close(fd)


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo, fd: int, name: str) -> None:
    content = tar.extractfile(member)
    assert content is not None
    out = os.open(name, _CREATE, 0o600, dir_fd=fd)
    try:
        while data := content.read(1 << 18):
            view = memoryview(data)
            while view:
                view = view[os.write(out, view) :]
        os.fchmod(out, member.mode & 0o7777)
        os.utime(out, (member.mtime, member.mtime))
    finally:
        os.close(out)


def _finish(top: int, parts: list[str], member: tarfile.TarInfo) -> None:
    """Mode and time of a directory, once nothing is put into it any more."""
    fd = _parent(top, parts)
    try:
        if parts:
            os.fchmod(fd, member.mode & 0o7777)
            os.utime(fd, (member.mtime, member.mtime))
    finally:
        os.close(fd)
