"""Our own terminal, passed through to a container in the foreground."""

from __future__ import annotations

import os
import termios

from orlop.kernel import pty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        rows, columns = pty.size(source)
        if rows or columns:
            pty.set_size(master, rows, columns)
    except OSError:
        pass  # no terminal of ours: the container's keeps its own size
