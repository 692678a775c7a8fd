"""Pseudo-terminals, opened by fd: the slave comes from TIOCGPTPEER, never from a path."""

from __future__ import annotations

import fcntl
import os
import struct

_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_TIOCGPTN = 0x80045430
_TIOCSWINSZ = 0x5414
_TIOCGWINSZ = 0x5413
_TIOCSCTTY = 0x540E


def open_pair(master: int) -> int:
    """Unlock the pty behind `master` and open its slave."""
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("=i", 0))
    return fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def number(master: int) -> int:
    """N of /dev/pts/N in the devpts instance of `master`."""
    return int(struct.unpack("=I", fcntl.ioctl(master, _TIOCGPTN, b"\0" * 4))[0])


def set_size(fd: int, rows: int, columns: int) -> None:
    fcntl.ioctl(fd, _TIOCSWINSZ, struct.pack("=4H", rows, columns, 0, 0))


def size(fd: int) -> tuple[int, int]:
    """(rows, columns)."""
    rows, columns, _, _ = struct.unpack("=4H", fcntl.ioctl(fd, _TIOCGWINSZ, b"\0" * 8))
    return rows, columns


def set_controlling(fd: int) -> None:
    """Make `fd` the controlling terminal of this session leader."""
    fcntl.ioctl(fd, _TIOCSCTTY, 0)
