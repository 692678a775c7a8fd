"""Memory files: values handed to another process by fd, sealed so that they stay what they are."""

from __future__ import annotations

import fcntl
import os

from orlop.kernel import libc

_ADD_SEALS = 1033
_GET_SEALS = 1034
_SEAL, _SHRINK, _GROW, _WRITE = 1, 2, 4, 8
_PUNCH_HOLE = 1 | 2  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE


def sealed(name: str, data: bytes) -> int:
    """An fd whose content nobody can change any more."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    fcntl.fcntl(fd, _ADD_SEALS, _SEAL | _SHRINK | _GROW | _WRITE)
    return fd


def read_sealed(fd: int, limit: int) -> bytes:
    """All of it. Raises ValueError when it could still change, or is too long."""
    wanted = _SHRINK | _GROW | _WRITE
    if fcntl.fcntl(fd, _GET_SEALS) & wanted != wanted:
        raise ValueError("memory file is not sealed")
    size = os.fstat(fd).st_size
    if size > limit:
        raise ValueError(f"memory file has {size} bytes, the limit is {limit}")
    out = bytearray()
    while len(out) < size:
        piece = os.pread(fd, size - len(out), len(out))
        if not piece:
            break
        out += piece
    return bytes(out)


def fixed(name: str, size: int) -> int:
    """A zero-filled, writable memory file that keeps its size (a mapping of it cannot fault)."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, _ADD_SEALS, _SEAL | _SHRINK | _GROW)
    return fd


def punch(fd: int, offset: int, length: int) -> None:
    """Give back the pages of a range; it reads as zeros then."""
    libc.call("fallocate", fd, _PUNCH_HOLE, offset, length)
