"""Unpack what a container sent, below one directory and nowhere else.

Members are walked on directory descriptors with O_NOFOLLOW: a link that the archive made is never
followed by a later member. Reading is `tarfile`'s (headers only), writing is ours.
"""

import os
import tarfile

from orlop.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class _Stream:
    """What `tarfile` reads headers from: it only goes forward, and not past what is asked."""

    def __init__(self, chunks: "Iterator[bytes]") -> None:
        self._chunks = chunks
        self._chunk: bytes | memoryview = b""
        self.size = 0  # so far, with what of the chunk is left
        self._at = 0
        self.block = b""  # the last that was read as a header

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int) -> None:
        for _ in self.pieces(offset - self._at):
            pass

    def read(self, size: int) -> bytes:
        self.block = b"".join(self.pieces(size))
        return self.block

    def pieces(self, size: int) -> "Iterator[bytes | memoryview]":
        """The next `size` bytes, or what there is, uncopied."""
        while size > 0:
            while not self._chunk:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return
                self.size += len(chunk)
                self._chunk = memoryview(chunk)
            piece, self._chunk = self._chunk[:size], self._chunk[size:]
            size -= len(piece)
            self._at += len(piece)
            yield piece

    def drain(self) -> None:
        self._chunk = b""
        for chunk in self._chunks:
            self.size += len(chunk)


def unpack(chunks: "Iterator[bytes]", directory: str, first: str, called: str) -> int:
    """Bytes of the stream. Members below `first` are put below `called` in `directory`."""
    stream = _Stream(chunks)
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    modes: list[tuple[list[str], tarfile.TarInfo]] = []
    try:
        with tarfile.TarFile(fileobj=stream) as tar:  # type: ignore[arg-type]
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                parts = _renamed(member.name, first, called)
                _one(stream, member, top, parts, first, called)
                if member.isdir():
                    modes.append((parts, member))
        if len(stream.block) < tarfile.BLOCKSIZE or any(stream.block):
            # `tarfile` takes a header that is cut or damaged for the end
            raise Failure("the archive from the daemon is damaged: unexpected end of data")
        for parts, member in reversed(modes):
            _finish(top, parts, member)
        stream.drain()
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
    stream: _Stream,
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
            _file(stream, member, fd, name)
    finally:
        os.close(fd)


def _file(stream: _Stream, member: tarfile.TarInfo, fd: int, name: str) -> None:
    if member.sparse is not None:  # nobody who speaks Docker's API sends those
        raise Failure(f"the archive from the daemon has a sparse file: {member.name}")
    out = os.open(name, _CREATE, 0o600, dir_fd=fd)
    left = member.size
    try:
        for piece in stream.pieces(left):
            left -= len(piece)
            while piece:
                piece = piece[os.write(out, piece) :]
        if left:
            raise Failure("the archive from the daemon is damaged: unexpected end of data")
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
