"""Terminals: the caller's console socket, and a terminal of our own that is passed through.

Source of the socket's protocol: runc's docs/terminals.md (one message, the name as data, the
master by SCM_RIGHTS).
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct
import termios

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def connect(path: str) -> _socket.socket:
    """Raises InvalidArgument."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise InvalidArgument(f"console socket {path}: {error.strerror}") from None
    return sock


def hand_over(sock: _socket.socket, master: int) -> None:
    """Give the master to whoever listens; ours is closed."""
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", master))]
    sock.sendmsg([b"/dev/ptmx"], rights)
    sock.close()
    os.close(master)


class Raw:
    """Our terminal in raw mode, as long as it lasts."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._before: list[Any] | None = None
        if os.isatty(fd):
            self._before = termios.tcgetattr(fd)
            made = termios.tcgetattr(fd)
            made[0] &= ~(
                termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR
                | termios.IGNCR | termios.ICRNL | termios.IXON
            )  # fmt: skip
            made[1] &= ~termios.OPOST
            made[2] = made[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
            made[3] &= ~(
                termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
            )
            termios.tcsetattr(fd, termios.TCSANOW, made)

    def restore(self) -> None:
        if self._before is not None:
            termios.tcsetattr(self.fd, termios.TCSANOW, self._before)
            self._before = None


def copy_size(source: int, master: int) -> None:
    """Give the container's terminal the size of ours."""
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8)
        if any(size):
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)
    except OSError:
        pass  # no terminal of ours: the container's keeps its own size
