"""Exchange two names of a directory as fast as the kernel does it: who walks there meets either.

with Racer(directory, "d", "link") as racer: …
racer.flips
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# A program of its own, so that it runs beside the victim and the test, on the other processor.
_PROGRAM = """
import ctypes, os, select, sys
call = ctypes.CDLL(None).syscall
first, second = os.fsencode(sys.argv[2]), os.fsencode(sys.argv[3])
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
def exchange():  # renameat2(RENAME_EXCHANGE)
    return call(316, fd, first, fd, second, 2)
if exchange():
    sys.exit("the names cannot be exchanged")
sys.stdout.write("ready\\n")
sys.stdout.flush()
flips = 1
end = select.poll()
end.register(0, select.POLLIN | select.POLLHUP)
while not end.poll(0):
    for _ in range(64):
        exchange()
    flips += 64
if flips % 2:  # leave them as they were
    exchange()
sys.stdout.write(str(flips))
"""


class Racer:
    """A context manager; both names must be there."""

    def __init__(self, directory: Path | str, first: str, second: str) -> None:
        self._command = [sys.executable, "-c", _PROGRAM, str(directory), first, second]
        self.flips = 0

    def __enter__(self) -> Racer:
        self._run = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._run.stdout
        assert self._run.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        said, _none = self._run.communicate()
        self.flips = int(said)
