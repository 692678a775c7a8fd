"""Run a command inside a container and collect what it says: the health check's exec.

Output is cut at Docker's 4096 bytes; the rest is read and thrown away, so that the command never
blocks on us.
"""

from __future__ import annotations

import secrets
import socket
import threading

from orlop.container import plans
from orlop.container.containers import Containers
from orlop.container.exec_create import spelled
from orlop.container.model import Container
from orlop.errors import OrlopError

KEPT = 4096
_SIGKILL = 9
_GRACE = 5.0  # seconds for the exit to arrive after a kill


class _Exit:
    """The exit of one exec, as the keeper's callback delivers it."""

    __slots__ = ("arrived", "exec_id", "status")

    def __init__(self, exec_id: str) -> None:
        self.exec_id = exec_id
        self.arrived = threading.Event()
        self.status: int | None = None

    def take(self, id: str, exec_id: str, status: int | None, exited_ns: int) -> None:
        if exec_id == self.exec_id:
            self.status = status
            self.arrived.set()


def run(
    containers: Containers, container: Container, argv: list[str], timeout: float
) -> tuple[int, str]:
    """(exit code, output); -1 when it took longer than `timeout` seconds."""
    exec_id = secrets.token_hex(32)
    ended = _Exit(exec_id)
    ours, theirs = socket.socketpair()
    containers.exec_exits.append(ended.take)
    try:
        with theirs:
            containers.keeper.attach(
                container.id, exec_id, theirs.fileno(), stdout=True, stderr=True
            )
        output = _Output(ours)
        words = spelled(argv)
        containers.publish(container, f"exec_create: {words}", execID=exec_id)
        containers.publish(container, f"exec_start: {words}", execID=exec_id)
        try:
            plans.exec_inside(containers, container, exec_id, argv)
        except OrlopError as error:
            containers.keeper.drop(container.id, exec_id)
            return -1, error.message
        if not ended.arrived.wait(timeout):
            _kill(containers, container, exec_id, ended)
            return -1, f"Health check exceeded timeout ({_spelled(timeout)})"
        containers.keeper.forget(container.id, exec_id)
        code = _code(ended.status)
        containers.publish(container, "exec_die", execID=exec_id, exitCode=str(code))
        return code, output.text()
    finally:
        containers.exec_exits.remove(ended.take)
        ours.close()


def _kill(containers: Containers, container: Container, exec_id: str, ended: _Exit) -> None:
    try:
        containers.keeper.signal(container.id, exec_id, _SIGKILL)
    except (OrlopError, OSError):
        pass
    ended.arrived.wait(_GRACE)
    containers.keeper.forget(container.id, exec_id)


def _code(status: int | None) -> int:
    if status is None:  # nobody saw it end
        return 255
    signal = status & 0x7F
    return 128 + signal if signal else (status >> 8) & 0xFF


def _spelled(seconds: float) -> str:
    """Go's spelling of a duration, as far as timeouts go: 500ms, 30s, 1m30s."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


class _Output:
    """Reads a socket to its end on a thread, keeping the first bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._kept = bytearray()
        self._cut = False
        self._thread = threading.Thread(target=self._read, name="orlop-probe", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = self._sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            room = KEPT - len(self._kept)
            self._kept += data[:room]
            self._cut = self._cut or len(data) > room

    def text(self) -> str:
        """Everything up to the end: the exit is pushed only after the output was drained."""
        self._thread.join(1.0)
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        text = bytes(self._kept).decode("utf-8", "replace")
        return text + "..." if self._cut else text
