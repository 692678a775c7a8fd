"""What the peer of a stream socket has not read yet (SIOCOUTQ, man 7 unix and tcp)."""

from __future__ import annotations

import fcntl
import struct
import termios


def unread(fd: int) -> int:
    """Bytes (unix sockets: of kernel memory) still queued towards the peer. Raises OSError."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0" * 4))[0])
