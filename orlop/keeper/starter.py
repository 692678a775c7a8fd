"""Connect to keeper and scribe of an exec root; start the keeper when there is none."""

from __future__ import annotations

import _socket
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from orlop.errors import SystemFailure, Unavailable
from orlop.scribe import frames

_PATIENCE = 20.0
_RETRY = 0.02
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class Starter:
    def __init__(self, exec_root: str, command: Sequence[str]) -> None:
        self._exec_root = exec_root
        self._patience = _PATIENCE
        launcher = str(Path(__file__).with_name("__main__.py"))
        python = os.path.realpath(sys.executable or "/usr/bin/python3")
        self._command = list(command) or [python, "-I", "-S", launcher]

    def connect(self) -> _socket.socket:
        """A connection to the keeper, started if need be. Raises SystemFailure."""
        path = f"{self._exec_root}/keeper.sock"
        deadline = monotonic() + self._patience
        while True:
            try:
                return frames.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                self._start(deadline)

    def connect_scribe(self) -> _socket.socket:
        """Its listening socket outlives every scribe. Raises Unavailable."""
        try:
            return frames.connect(f"{self._exec_root}/scribe-0.sock")
        except OSError as error:
            raise Unavailable(f"scribe: {error.strerror}") from None

    def _start(self, deadline: float) -> None:
        """Run the launcher, wait for the keeper's word: it listens, or another one does."""
        os.makedirs(self._exec_root, 0o711, exist_ok=True)
        log = f"{self._exec_root}/keeper.log"
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            with open(log, "ab") as errors:
                status = subprocess.Popen(
                    [*self._command, self._exec_root, str(writer)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    cwd="/",
                    env=_ENVIRONMENT,
                    pass_fds=[writer],
                    start_new_session=True,
                    umask=0o022,
                ).wait()
        finally:
            os.close(writer)
        try:
            said = self._listen(reader, deadline) if status == 0 else b""
        finally:
            os.close(reader)
        if not said and monotonic() > deadline:
            raise SystemFailure(f"the keeper does not start, see {log}")
        if not said:
            select.select([], [], [], _RETRY)  # another daemon's keeper may be on its way

    def _listen(self, reader: int, deadline: float) -> bytes:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - monotonic()))
        return os.read(reader, 1) if ready else b""
