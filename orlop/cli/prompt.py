"""Questions to the user."""

import posix

from orlop.cli.failure import Failure
from orlop.cli.out import out


def confirm(question: str) -> bool:
    """Ask on stdout; true for y."""
    return read_line(question + " [y/N] ").strip().lower() == "y"


def read_line(question: str = "") -> str:
    """One line of stdin, read byte by byte: what follows belongs to somebody else."""
    line = b""
    try:
        out(question)
        while (byte := posix.read(0, 1)) not in (b"", b"\n"):
            line += byte
    except KeyboardInterrupt:
        # Docker takes ctrl-c at a question for a no, not for a failure
        out("\n")
        raise Failure("", 0) from None
    return line.decode("utf-8", "replace")


def read_secret(question: str) -> str:
    """One line of the terminal, not shown while it is typed."""
    import _signal
    import termios

    saved = termios.tcgetattr(0)
    hidden = [*saved]
    hidden[3] = saved[3] & ~termios.ECHO
    for number in (_signal.SIGTERM, _signal.SIGHUP):  # the terminal is given back then, too
        _signal.signal(number, _leave)
    try:
        termios.tcsetattr(0, termios.TCSADRAIN, hidden)
        secret = read_line(question)
        out("\n")
        return secret
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def _leave(number: int, frame: object) -> None:
    raise Failure("", 128 + number)
