"""Records on disk: atomic replacement, fsync order, locks.

Invariant: a reader sees the old record or the new one, never a part. With `durable=True` the
record survives power loss once the call returns (file fsync, rename, directory fsync).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from orlop.errors import Conflict

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_RESERVE = 64 << 10  # bytes: a few records
_state = threading.local()  # .reserve: the file that may go for what makes room


def keep_reserve(path: Path) -> None:
    """Take a little room in advance, for `making_room` on a full disk. Never raises."""
    try:
        with path.open("r+b" if path.exists() else "wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVE)
    except OSError:
        pass  # full already, or a filesystem that cannot


@contextlib.contextmanager
def making_room(reserve: Path) -> Iterator[None]:
    """Within it, a record that finds no room gets that of the reserve: removing must work."""
    _state.reserve = reserve
    try:
        yield
    finally:
        _state.reserve = None
        if not reserve.exists():
            keep_reserve(reserve)


def _give_room(error: OSError) -> bool:
    """The reserve is gone now, and what failed may be tried again."""
    reserve: Path | None = getattr(_state, "reserve", None)
    if reserve is None or error.errno not in NO_ROOM:
        return False
    try:
        reserve.unlink()
    except OSError:
        return False
    return True


def fsync_dir(path: str | os.PathLike[str]) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(
    path: str | os.PathLike[str], data: bytes, *, mode: int = 0o600, durable: bool = True
) -> None:
    """Replace `path` by `data`. Raises OSError (with nothing changed)."""
    try:
        _write_atomic(os.fspath(path), data, mode, durable)
    except OSError as error:
        if not _give_room(error):
            raise
        _write_atomic(os.fspath(path), data, mode, durable)


def set_aside(path: Path, raw: bytes) -> Path:
    """Keep a damaged record's bytes beside it, for whoever repairs it; returns where.

    One of an earlier time is not written over. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.damaged")
    if aside.exists():
        aside = aside.with_name(f"{aside.name}-{time.time_ns()}")
    write_atomic(aside, raw)
    return aside


def _write_atomic(target: str, data: bytes, mode: int, durable: bool) -> None:
    temp = f"{os.path.dirname(target)}/.tmp-{os.path.basename(target)[:64]}-{secrets.token_hex(6)}"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            os.fchmod(fd, mode)  # the umask must not decide
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temp, target)
    except BaseException:
        try:
            os.unlink(temp)
        except OSError:
            pass
        raise
    if durable:
        fsync_dir(os.path.dirname(target) or ".")


def write_new(contents: Mapping[str, bytes], *, mode: int = 0o600, durable: bool = True) -> None:
    """Write files that nobody sees yet (their directory is renamed into place afterwards).

    All are written before the first is synced, so that one commit of the file system's journal
    takes them together.
    """
    fds: list[int] = []
    try:
        for path, data in contents.items():
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            fds.append(fd)
            os.fchmod(fd, mode)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # starts the write-back
        if durable:
            for fd in fds:
                os.fsync(fd)
    finally:
        for fd in fds:
            os.close(fd)


class LockFile:
    """An exclusive, never inherited lock on a file, held until `close`."""

    def __init__(self, path: Path, *, busy: str) -> None:
        """Take the lock or raise Conflict(`busy`)."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise Conflict(busy) from None

    def close(self) -> None:
        os.close(self._fd)
