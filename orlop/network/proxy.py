"""The process that carries what the firewall cannot: connections to ::1 and from IPv6 to IPv4.

Beside the daemon and alive while it is not. Sockets come over a SOCK_SEQPACKET control socket,
see `control`; a frame with "ask" is answered by {"ids": {id: [key]}}:

    {"op": "listen", "id", "key", "protocol": "tcp|udp", "target": [address, port]} + the socket
    {"op": "drop", "id"}    {"op": "keep", "ids": [...]}    {"op": "list"}

TCP: each direction has one buffer; a full one stops reading its source. A half-close is passed on.
UDP: one socket per client, forgotten after 90 s of silence, as docker-proxy does.
Standard library only; started as `python -I -S`. Leaves when it has had nothing to do for a while.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import sys
import time

from orlop.network.control import Control, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 1 << 18
_UDP_IDLE = 90.0
_IDLE_EXIT = 30.0
_LOOK = 5.0
_MAX_CLIENTS = 4096  # UDP clients of one port; the oldest makes room
_IN, _OUT, _GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR
_NONBLOCK = _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC


class Stream:
    """Two connected TCP sockets, pumped both ways."""

    def __init__(self, loop: Loop, client: _socket.socket, server: _socket.socket) -> None:
        self.loop = loop
        self.ends = (client, server)
        self.waiting: list[memoryview] = [memoryview(b""), memoryview(b"")]  # for ends[i]
        self.ended = [False, False]  # ends[i] sent its last byte
        self.connected = False
        loop.add(client.fileno(), 0, lambda mask: self._ready(0, mask))
        loop.add(server.fileno(), _OUT, lambda mask: self._ready(1, mask))

    def _ready(self, end: int, mask: int) -> None:
        try:
            if not self.connected:
                self._connect(mask)
                return
            if mask & _OUT:
                self._write(end)
            if mask & (_IN | _GONE):
                self._read(end)
            self._watch()
        except OSError:
            self.close()

    def _connect(self, mask: int) -> None:
        code = self.ends[1].getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        if mask & _OUT:
            self.connected = True
            self._watch()

    def _read(self, end: int) -> None:
        other = 1 - end
        if self.ended[end] or self.waiting[other]:
            return
        try:
            data = self.ends[end].recv(_CHUNK)
        except BlockingIOError:
            return
        if data:
            self.waiting[other] = memoryview(data)
            self._write(other)
            return
        self.ended[end] = True
        self.ends[other].shutdown(_socket.SHUT_WR)

    def _write(self, end: int) -> None:
        try:
            while self.waiting[end]:
                sent = self.ends[end].send(self.waiting[end])
                self.waiting[end] = self.waiting[end][sent:]
        except BlockingIOError:
            pass

    def _watch(self) -> None:
        if all(self.ended) and not any(self.waiting):
            self.close()
            return
        for end in (0, 1):
            mask = _OUT if self.waiting[end] else 0
            if not self.ended[end] and not self.waiting[1 - end]:
                mask |= _IN
            self.loop.change(self.ends[end].fileno(), mask)

    def close(self) -> None:
        for sock in self.ends:
            if sock.fileno() >= 0:
                self.loop.remove(sock.fileno())
                sock.close()


class TcpListener:
    def __init__(self, loop: Loop, sock: _socket.socket, target: tuple[str, int]) -> None:
        self.loop, self.sock, self.target = loop, sock, target
        self.family = _socket.AF_INET6 if ":" in target[0] else _socket.AF_INET
        sock.setblocking(False)
        sock.listen(4096)
        loop.add(sock.fileno(), _IN, self._accept)

    def _accept(self, mask: int) -> None:
        try:
            fd = self.sock._accept()[0]  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(0.01)  # the backlog stays readable: do not spin on it
            return
        client = _socket.socket(fileno=fd)
        client.setblocking(False)
        # Its TIME_WAIT must not keep the next owner of the port from binding it.
        client.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        try:
            server = _socket.socket(self.family, _socket.SOCK_STREAM | _NONBLOCK)
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
        code = server.connect_ex(self.target)
        if code not in (0, errno.EINPROGRESS):
            client.close()
            server.close()
            return
        Stream(self.loop, client, server)

    def close(self) -> None:
        self.loop.remove(self.sock.fileno())
        self.sock.close()

    def expire(self, now: float) -> None:
        """TCP ends by itself."""


class UdpListener:
    def __init__(self, loop: Loop, sock: _socket.socket, target: tuple[str, int]) -> None:
        self.loop, self.sock, self.target = loop, sock, target
        self.family = _socket.AF_INET6 if ":" in target[0] else _socket.AF_INET
        self.clients: dict[Any, tuple[_socket.socket, float]] = {}
        sock.setblocking(False)
        loop.add(sock.fileno(), _IN, self._request)

    def _request(self, mask: int) -> None:
        try:
            data, client = self.sock.recvfrom(65536)
        except OSError:
            return
        found = self.clients.pop(client, None)
        try:
            upstream = found[0] if found else self._open(client)
        except OSError:
            return
        self.clients[client] = (upstream, time.monotonic())  # at the end: the youngest
        try:
            upstream.send(data)
        except OSError:
            pass  # refused or full: datagrams may be lost

    def _open(self, client: Any) -> _socket.socket:
        if len(self.clients) >= _MAX_CLIENTS:
            self._forget(next(iter(self.clients)))
        upstream = _socket.socket(self.family, _socket.SOCK_DGRAM | _NONBLOCK)
        try:
            upstream.connect(self.target)
        except OSError:
            upstream.close()
            raise
        self.loop.add(upstream.fileno(), _IN, lambda mask: self._answer(client))
        return upstream

    def _answer(self, client: Any) -> None:
        upstream, _ = self.clients[client]
        try:
            data = upstream.recv(65536)
            self.sock.sendto(data, client)
        except OSError:
            return
        self.clients[client] = (upstream, time.monotonic())

    def _forget(self, client: Any) -> None:
        upstream, _ = self.clients.pop(client)
        self.loop.remove(upstream.fileno())
        upstream.close()

    def expire(self, now: float) -> None:
        for client, (_, seen) in list(self.clients.items()):
            if now - seen > _UDP_IDLE:
                self._forget(client)

    def close(self) -> None:
        for client in list(self.clients):
            self._forget(client)
        self.loop.remove(self.sock.fileno())
        self.sock.close()


class Proxy:
    """Listeners by container and the control connections."""

    def __init__(self, control: _socket.socket) -> None:
        self.loop = Loop()
        self.listeners: dict[str, dict[str, Any]] = {}
        self.control = Control(self.loop, control, self._do)
        self.busy_at = self.looked_at = time.monotonic()

    def run(self) -> None:
        while True:
            self.loop.turn(_LOOK)
            now = time.monotonic()
            if now - self.looked_at > _LOOK:
                self.looked_at = now
                if self.control.lost():
                    return
            for named in self.listeners.values():
                for listener in named.values():
                    listener.expire(now)
            # Only the control socket left: no listener, no stream, no daemon.
            if len(self.loop.handlers) > 1 + len(self.control.connections) or self.listeners:
                self.busy_at = now
            elif now - self.busy_at > _IDLE_EXIT:
                return

    def _do(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        op = request["op"]
        if op == "listen":
            self._listen(request, fds)
        elif op == "drop":
            self._drop(request["id"])
        elif op == "keep":
            for id in set(self.listeners) - set(request["ids"]):
                self._drop(id)
        return {"ids": {id: list(named) for id, named in self.listeners.items()}}

    def _listen(self, request: dict[str, Any], fds: list[int]) -> None:
        address, port = request["target"]
        sock = _socket.socket(fileno=fds.pop())
        kind = UdpListener if request["protocol"] == "udp" else TcpListener
        named = self.listeners.setdefault(request["id"], {})
        previous = named.pop(request["key"], None)
        if previous is not None:
            previous.close()
        named[request["key"]] = kind(self.loop, sock, (address, port))

    def _drop(self, id: str) -> None:
        for listener in self.listeners.pop(id, {}).values():
            listener.close()


def main() -> None:
    """argv[1]: the fd of the listening control socket."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Proxy(_socket.socket(fileno=int(sys.argv[1]))).run()
