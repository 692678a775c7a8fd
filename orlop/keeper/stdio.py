"""The stdio of a process: FIFOs, and who holds which end.

The process's stdout and stderr are open for reading and writing: without a reader it waits, it
never gets SIGPIPE. The keeper's spare ends are read-only for output (a spare writer would hide the
end of file) and the write end for stdin (else a killed scribe looks like an end of file).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIFO_MODE = 0o600
_NULL = "/dev/null"


class Stdio:
    """`process`: the three fds to give away and close; `held`: ours, by name (o, e, i)."""

    __slots__ = ("held", "process")

    def __init__(self) -> None:
        self.process: list[int] = []
        self.held: dict[str, int] = {}

    def close_process(self) -> None:
        for fd in set(self.process):
            os.close(fd)
        self.process = []

    def close(self) -> None:
        self.close_process()
        for fd in self.held.values():
            os.close(fd)
        self.held = {}


def open_stdio(
    directory: str, exec_id: str, options: dict[str, Any], owner: tuple[int, int]
) -> Stdio:
    """Make the FIFOs below `directory`. Raises OSError with nothing left open.

    `owner`: the process's user on the host, or it could not reopen /dev/stdout.
    """
    stdio = Stdio()
    try:
        null = os.open(_NULL, os.O_RDWR | os.O_CLOEXEC)
        stdio.process = [null, null, null]
        if options.get("tty") or options.get("detached"):
            return stdio
        prefix = f"{directory}/{exec_id or 'init'}-"
        if options.get("open_stdin"):
            path = _fifo(prefix + "stdin", owner)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            stdio.process[0] = reader
            stdio.held["i"] = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.set_blocking(reader, True)
        for index, name in ((1, "stdout"), (2, "stderr")):
            path = _fifo(prefix + name, owner)
            stdio.process[index] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            stdio.held[name[3]] = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if null not in stdio.process:
            os.close(null)
    except OSError:
        stdio.close()
        raise
    return stdio


def _fifo(path: str, owner: tuple[int, int]) -> str:
    try:
        os.mkfifo(path, _FIFO_MODE)
    except FileExistsError:  # of an earlier run
        os.unlink(path)
        os.mkfifo(path, _FIFO_MODE)
    if owner != (0, 0):
        os.chown(path, *owner)
    return path


def reopen_stdio(directory: str, exec_id: str) -> dict[str, int]:
    """Our ends of the FIFOs of a process that runs, by name; those that are gone are left out."""
    held = {}
    ends = {"o": ("stdout", os.O_RDONLY), "e": ("stderr", os.O_RDONLY), "i": ("stdin", os.O_WRONLY)}
    for letter, (name, flags) in ends.items():
        try:
            path = f"{directory}/{exec_id or 'init'}-{name}"
            held[letter] = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue  # never made; for stdin also: the process has closed it
    return held


def remove_stdio(directory: str, exec_id: str) -> None:
    """Unlink the FIFOs; with the container's own the directory goes, when it is empty."""
    for name in ("stdin", "stdout", "stderr"):
        try:
            os.unlink(f"{directory}/{exec_id or 'init'}-{name}")
        except OSError:
            pass
    if not exec_id:
        try:
            os.rmdir(directory)
        except OSError:
            pass
