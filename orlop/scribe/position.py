"""How far a courier has sent a spool: a small file that it writes and the scribe looks at.

inode of the file it is at, offset in it, time of the last record sent    (three u64)
"""

from __future__ import annotations

import os
import struct

_WORDS = struct.Struct("<QQQ")


def write(fd: int, inode: int, offset: int, last_ns: int) -> None:
    os.pwrite(fd, _WORDS.pack(inode, offset, last_ns), 0)


def read(fd: int) -> tuple[int, int, int] | None:
    """None as long as nothing was written."""
    data = os.pread(fd, _WORDS.size, 0)
    return _WORDS.unpack(data) if len(data) == _WORDS.size else None


def look(path: str) -> tuple[int, int, int] | None:
    """None where nobody sends."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return read(fd)
    finally:
        os.close(fd)
