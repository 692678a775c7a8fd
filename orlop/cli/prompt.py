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
