"""What the peer of a stream socket has not read yet (SIOCOUTQ, man 7 unix and tcp)."""

from __future__ import annotations

import fcntl
import select
import struct
import termios
import time

_COUNTED = 1  # unix(7) counts the message that is being taken by one byte until its waiters know


def unread(fd: int) -> int:
    """Bytes (unix sockets: of kernel memory) still queued towards the peer. Raises OSError."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0" * 4))[0])


def await_read(fd: int, seconds: float) -> bool:
    """Until the peer of a unix socket has read everything; False when it has not by then.

    A socket becomes writable anew whenever its peer takes a message, which epoll tells by edges.
    Of other sockets at once what SIOCOUTQ says: TCP counts what the peer's kernel has, not what
    the program read.
    """
    deadline = time.monotonic() + seconds
    with select.epoll(1) as taken:
        try:
            taken.register(fd, select.EPOLLOUT | select.EPOLLET)
            while unread(fd) > _COUNTED:
                left = deadline - time.monotonic()
                if left <= 0 or not taken.poll(left):
                    return False
        except OSError:
            pass  # no socket that tells
    return True
