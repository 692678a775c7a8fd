"""A process beside the daemon that outlives it: found by its socket, or started.

The listening socket is made before the process, so connecting to it needs no waiting.
"""

from __future__ import annotations

import array
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from orlop.kernel.outliving import Outliving

TIMEOUT = 10.0  # seconds an answer may take
_LAUNCH = "import sys; sys.path[:0] = {paths!r}; from {module} import main; main()"


class Beside:
    """One connection to it; not for two threads at once."""

    def __init__(self, exec_root: Path, name: str, module: str, paths: Iterable[str] = ()) -> None:
        """<exec-root>/<name>.{sock,pid}; `module`.main() runs it, `paths`: of its libraries."""
        self.path = exec_root / f"{name}.sock"
        self._pidfile = exec_root / f"{name}.pid"
        root = str(Path(__file__).resolve().parents[2])
        self._code = _LAUNCH.format(paths=[root, *paths], module=module)
        self._socket: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def connect(self) -> bool:
        """To one that runs; whether there is one."""
        if self._socket is not None:
            return True
        found = _seqpacket()
        try:
            found.connect(str(self.path))
        except OSError:
            found.close()
            return False
        self._socket = found
        return True

    def ensure(self) -> bool:
        """Connect, or start it and connect. True when it was started. Raises OSError."""
        if self.connect():
            return False
        self._start()
        return True

    def _start(self) -> None:
        self.path.unlink(missing_ok=True)
        self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        with _seqpacket() as control:
            mask = os.umask(0o177)
            try:
                control.bind(str(self.path))
            finally:
                os.umask(mask)
            control.listen(1024)
            if self.process is not None:
                self.process.poll()
            self.process = self._spawn(control.fileno())
        self._pidfile.write_text(f"{self.process.pid}\n")
        if not self.connect():
            raise ConnectionRefusedError(f"{self.path.stem} did not start")

    def _spawn(self, control: int) -> subprocess.Popen[bytes]:
        return Outliving(
            [sys.executable, "-I", "-S", "-c", self._code, str(control)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(control,),
            start_new_session=True,
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def send(self, request: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Raises OSError, and is not connected then."""
        assert self._socket is not None
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._socket.sendmsg([marshal.dumps(request)], rights)
        except OSError:
            self.disconnect()
            raise

    def receive(self) -> dict[str, Any]:
        """Raises OSError, and is not connected then."""
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionResetError(f"{self.path.stem} left")
        except OSError:
            self.disconnect()
            raise
        answer: dict[str, Any] = marshal.loads(data)
        return answer

    def gone(self) -> bool:
        """It closed the connection: it is dead."""
        if self._socket is None:
            return True
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    @property
    def fd(self) -> int:
        """Readable when it is dead or answers; -1 without a connection."""
        return self._socket.fileno() if self._socket is not None else -1

    def disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _seqpacket() -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(TIMEOUT)
    return sock
