"""The real server on a socket in a temporary directory, with handlers of the test's own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orlop.api.answer import Reply
from orlop.api.application import Orlop
from orlop.api.call import Call
from orlop.api.server import Listener, Server, in_background
from orlop.events import Events

PATIENCE = 10.0


class Served:
    def __init__(self, path: Path, *, local: bool = True) -> None:
        self.engine = SimpleNamespace(events=Events())
        self.application = Orlop(self.engine)  # type: ignore[arg-type]
        self.server = Server(self.application)
        self.path = path
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(str(path))
        sock.listen(1024)
        self.server.listen(Listener(sock, str(path), local=local))
        self.thread = in_background(self.server)

    def route(self, methods: str, path: str, handler: Callable[[Call], Reply]) -> None:
        self.application.router.add(methods, path, handler)

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        return sock

    def send(self, data: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with self.connect() as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return drain(sock)

    def close(self) -> None:
        self.server.stop(5)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def served(path: Path, *, local: bool = True) -> Iterator[Served]:
    made = Served(path, local=local)
    try:
        yield made
    finally:
        made.close()


def drain(sock: socket.socket) -> bytes:
    out = b""
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return out
        if not data:
            return out
        out += data


class Client:
    """A keep-alive connection that reads one answer at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def request(
        self, head: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{head} HTTP/1.1", "Host: d"]
        lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer(head.startswith("HEAD"))

    def answer(self, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
        status = int(first.split()[1])
        if head_only or status in (204, 304):
            return status, headers, b""
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, self._chunked()
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, headers, body

    def chunk(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        size, _, rest = self.buffer.partition(b"\r\n")
        length = int(size, 16)
        while len(rest) < length + 2:
            self._more()
            rest = self.buffer.partition(b"\r\n")[2]
        self.buffer = rest[length + 2 :]
        return rest[:length]

    def _chunked(self) -> bytes:
        out = b""
        while data := self.chunk():
            out += data
        return out

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(self.buffer)
        self.buffer += data


def error(body: bytes) -> str:
    return str(json.loads(body)["message"])


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


__all__ = ["Any", "Client", "Served", "drain", "error", "served", "wait_for"]
