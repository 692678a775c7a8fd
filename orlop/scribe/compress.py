"""Compress rotated logs in a child process, one at a time for each log.

A rotation never waits for it: meanwhile files move on, so the result is put beside its source by
the source's inode.
"""

from __future__ import annotations

import os
import struct

from orlop.kernel import process
from orlop.scribe.poller import READ, Poller, report

_CHUNK = 1 << 18
_NICE = 10
_SIGKILL = 9
_HEADER = b"\x1f\x8b\x08\x00" + b"\0" * 5 + b"\xff"  # gzip, deflate, no name, no time


class Squeeze:
    __slots__ = ("_inode", "_last", "_path", "_pid", "_pidfd", "_poller", "_source")

    def __init__(self, poller: Poller, path: str, max_file: int) -> None:
        self._poller = poller
        self._path = path
        self._last = max_file - 1
        self._pid = 0
        self._pidfd = -1
        self._inode = 0
        self._source = -1  # held until the result is placed: its inode must not come back meanwhile

    @property
    def _temporary(self) -> str:
        return self._path + ".gz.new"

    def sweep(self) -> None:
        """What a killed scribe left half done."""
        for name in (self._temporary, self._path + ".new"):
            try:
                os.unlink(name)
            except OSError:
                pass
        self.begin()

    def begin(self) -> None:
        """Compress the oldest file that is not, unless one is being compressed."""
        if self._pid:
            return
        for number in range(self._last, 0, -1):
            try:
                source = os.open(f"{self._path}.{number}", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                self._start(source)
                self._source = source
            except OSError:
                report()
                os.close(source)
            return

    def _start(self, source: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        target = os.open(self._temporary, flags, 0o640)
        self._inode = os.fstat(source).st_ino
        self._pid = os.fork()
        if self._pid == 0:
            _child(source, target)
        os.close(target)
        self._pidfd = os.pidfd_open(self._pid)
        self._poller.add(self._pidfd, READ, self._ended)

    def _ended(self, _events: int) -> None:
        self._poller.remove(self._pidfd)
        os.close(self._pidfd)
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        placed = not status and self._place()
        os.close(self._source)
        self._source = -1
        if not placed:
            try:
                os.unlink(self._temporary)
            except OSError:
                pass
        if not status:  # else a full disk, most likely: the file stays as it is
            self.begin()

    def _place(self) -> bool:
        """Put the result where its source is now; False when that was rotated away."""
        for number in range(1, self._last + 1):
            name = f"{self._path}.{number}"
            try:
                if os.stat(name).st_ino == self._inode:
                    written = os.stat(name).st_mtime_ns
                    os.utime(self._temporary, ns=(written, written))
                    os.rename(self._temporary, name + ".gz")
                    os.unlink(name)
                    return True
            except OSError:
                continue
        return False


def _child(source: int, target: int) -> None:
    """Never returns; dies with the scribe, whose successor begins anew."""
    status = 1
    try:
        process.set_parent_death_signal(_SIGKILL)
        process.close_fds_except([0, 1, 2, source, target])
        os.nice(_NICE)
        deflate(source, target)
        status = 0
    except BaseException:
        report()
    finally:
        os._exit(status)


def deflate(source: int, target: int) -> None:
    """gzip, from one fd to another."""
    import zlib

    machine = zlib.compressobj(6, zlib.DEFLATED, -15)
    checksum = size = 0
    _write(target, _HEADER)
    while data := os.read(source, _CHUNK):
        checksum = zlib.crc32(data, checksum)
        size += len(data)
        _write(target, machine.compress(data))
    _write(target, machine.flush() + struct.pack("<II", checksum, size & 0xFFFFFFFF))


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
