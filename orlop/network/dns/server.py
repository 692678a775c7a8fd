"""The sockets at one container's 127.0.0.11, datagrams and streams (RFC 1035, RFC 7766)."""

from __future__ import annotations

import _socket
import os
import time

from orlop.network.dns.answer import answer
from orlop.network.dns.forward import Forwarder
from orlop.network.dns.names import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.network.control import Loop
    from orlop.network.dns.forward import Reply

_IN, _OUT = 1, 4
_AT_ONCE = 64  # datagrams of one container before the others have their turn
_MOST_STREAMS = 64
_IDLE = 10.0  # seconds


class Server:
    def __init__(
        self, loop: Loop, names: Names, forwarder: Forwarder, id: str, fds: list[int]
    ) -> None:
        """`fds`: the datagram socket, the listening socket, the namespace; ours from now on."""
        self._loop = loop
        self._names = names
        self._forwarder = forwarder
        self._id = id
        self._datagrams = _socket.socket(fileno=fds[0])
        self._listener = _socket.socket(fileno=fds[1])
        self._namespace = fds[2]
        self._streams: dict[int, Stream] = {}
        for sock in (self._datagrams, self._listener):
            sock.setblocking(False)
        loop.add(self._datagrams.fileno(), _IN, self._receive)
        loop.add(self._listener.fileno(), _IN, self._accept)

    def _receive(self, mask: int) -> None:
        sock = self._datagrams
        for _ in range(_AT_ONCE):
            try:
                wire, client = sock.recvfrom(4096)
            except OSError:
                return
            self.handle(wire, self._to(client), datagram=True)

    def _to(self, client: Any) -> Reply:
        def send(reply: bytes) -> None:
            try:
                self._datagrams.sendto(reply, client)
            except OSError:
                pass  # gone, or its buffer is full: datagrams may be lost

        return send

    def handle(self, wire: bytes, reply: Reply, *, datagram: bool) -> None:
        client = self._names.containers.get(self._id)
        if client is None:
            return
        ready, left = answer(self._names, client, wire, datagram=datagram)
        if ready:
            reply(ready)
        elif left:
            servers = client.upstreams if client.forward else []
            where = [(a, self._namespace if inside else -1) for a, inside in servers]
            self._forwarder.ask(left, where, reply, datagram=datagram)

    def _accept(self, mask: int) -> None:
        try:
            fd = self._listener._accept()[0]  # type: ignore[attr-defined]
        except OSError:
            return
        sock = _socket.socket(fileno=fd)
        if len(self._streams) >= _MOST_STREAMS:
            sock.close()
            return
        self._streams[fd] = Stream(self, self._loop, sock)

    def forget(self, fd: int) -> None:
        self._streams.pop(fd, None)

    def expire(self, now: float) -> None:
        for stream in list(self._streams.values()):
            if now - stream.active > _IDLE:
                stream.close()

    def close(self) -> None:
        for stream in list(self._streams.values()):
            stream.close()
        for sock in (self._datagrams, self._listener):
            self._loop.remove(sock.fileno())
            sock.close()
        os.close(self._namespace)


class Stream:
    """One connection; questions have two bytes of length before them, and so have answers."""

    def __init__(self, server: Server, loop: Loop, sock: _socket.socket) -> None:
        self._server, self._loop, self._sock = server, loop, sock
        self._in = self._out = b""
        self.active = time.monotonic()
        sock.setblocking(False)
        loop.add(sock.fileno(), _IN, self._ready)

    def _ready(self, mask: int) -> None:
        try:
            if mask & _OUT:
                self._flush()
            if mask & ~_OUT:
                self._read()
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def _read(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionResetError(104, "closed")
        self.active = time.monotonic()
        self._in += data
        while len(self._in) >= 2:
            length = int.from_bytes(self._in[:2], "big")
            if len(self._in) < 2 + length:
                return
            wire, self._in = self._in[2 : 2 + length], self._in[2 + length :]
            self._server.handle(wire, self._reply, datagram=False)

    def _reply(self, reply: bytes) -> None:
        if self._sock.fileno() < 0:
            return  # it did not wait
        self._out += len(reply).to_bytes(2, "big") + reply
        try:
            self._flush()
        except OSError:
            self.close()

    def _flush(self) -> None:
        try:
            self._out = self._out[self._sock.send(self._out) :]
        except BlockingIOError:
            pass
        # A client that does not read its answers is not read from.
        self._loop.change(self._sock.fileno(), _OUT if self._out else _IN)

    def close(self) -> None:
        fd = self._sock.fileno()
        if fd >= 0:
            self._loop.remove(fd)
            self._sock.close()
            self._server.forget(fd)
