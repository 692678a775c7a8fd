"""Pipes and FIFOs: how full, and moving bytes between them without copying."""

from __future__ import annotations

import fcntl
import os
import struct

_FIONREAD = 0x541B
_F_SETPIPE_SZ = 1031
_MOVE_NONBLOCK = 1 | 2  # SPLICE_F_MOVE | SPLICE_F_NONBLOCK


def unread(fd: int) -> int:
    """Bytes that wait in a pipe."""
    return int(struct.unpack("=i", fcntl.ioctl(fd, _FIONREAD, b"\0" * 4))[0])


def set_size(fd: int, size: int) -> None:
    """Raises PermissionError above fs.pipe-max-size, OSError (EBUSY) while more than that waits."""
    fcntl.fcntl(fd, _F_SETPIPE_SZ, size)


def move(source: int, target: int, count: int) -> int:
    """splice(2), never blocking: bytes moved, 0 at end of file. Raises BlockingIOError."""
    return os.splice(source, target, count, flags=_MOVE_NONBLOCK)
