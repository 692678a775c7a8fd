"""The process: one loop over the containers' sockets and the control socket.

Control frames are marshal'd dicts over SOCK_SEQPACKET, each answered by {"ids": [containers that
have sockets]} when it has "ask":

    {"op": "serve", "id"} + datagram socket, listening socket, namespace      from the container
    {"op": "put", …}  see `names`     {"op": "drop", "id"}     {"op": "keep", "ids": [...]}

Started as `python -I -S`; leaves when it has had nothing to do for a while.
"""

from __future__ import annotations

import _socket
import marshal
import os
import struct
import sys
import time

from orlop.network.dns.forward import Forwarder
from orlop.network.dns.names import Names
from orlop.network.dns.server import Server
from orlop.network.proxy import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IN = 1
_TURN = 1.0  # seconds
_IDLE_EXIT = 30.0
_FRAME = 1 << 17
_FDS = 3


class Resolver:
    def __init__(self, control: _socket.socket) -> None:
        self.loop = Loop()
        self.names = Names()
        self.forwarder = Forwarder(self.loop)
        self.servers: dict[str, Server] = {}
        # What the daemon said is heard before a container that asks about it.
        self.connections = self.loop.urgent
        self.control = control
        self.path = control.getsockname()
        self.busy_at = time.monotonic()
        control.setblocking(False)
        self.loop.add(control.fileno(), _IN, self._accept)

    def run(self) -> None:
        looked_at = time.monotonic()
        while True:
            self.loop.turn(_TURN)
            now = time.monotonic()
            if now - looked_at < _TURN:
                continue
            looked_at = now
            self.forwarder.expire(now)
            for server in self.servers.values():
                server.expire(now)
            if not os.path.exists(self.path):
                return  # the exec root is gone: no daemon will ever find us
            if self.servers or self.connections:
                self.busy_at = now
            elif now - self.busy_at > _IDLE_EXIT:
                return

    def _accept(self, mask: int) -> None:
        try:
            fd = self.control._accept()[0]  # type: ignore[attr-defined]
        except OSError:
            return
        connection = _socket.socket(fileno=fd)
        connection.setblocking(False)
        self.connections.add(fd)
        self.loop.add(fd, _IN, lambda mask: self._frames(connection))

    def _frames(self, connection: _socket.socket) -> None:
        try:
            while True:
                self._frame(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.connections.discard(connection.fileno())
            self.loop.remove(connection.fileno())
            connection.close()

    def _frame(self, connection: _socket.socket) -> None:
        space = _socket.CMSG_SPACE(4 * _FDS)
        data, rights, _, _ = connection.recvmsg(_FRAME, space, _socket.MSG_CMSG_CLOEXEC)
        fds: list[int] = []
        for level, kind, payload in rights:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                fds += struct.unpack(f"={len(payload) // 4}i", payload)
        if not data:
            raise ConnectionResetError(104, "closed")
        try:
            request = marshal.loads(data)
            self._do(request, fds)
            if request.get("ask"):
                connection.send(marshal.dumps({"ids": sorted(self.servers)}))
        except (KeyError, ValueError, TypeError, EOFError, AttributeError):
            pass  # not a frame of ours
        finally:
            for fd in fds:
                os.close(fd)

    def _do(self, request: dict[str, Any], fds: list[int]) -> None:
        op = request["op"]
        if op == "put":
            self.names.put(request)
        elif op == "drop":
            self._drop(request["id"])
        elif op == "keep":
            for id in {*self.names.containers, *self.servers}.difference(request["ids"]):
                self._drop(id)
        elif op == "serve" and len(fds) == _FDS:
            previous = self.servers.pop(request["id"], None)
            if previous is not None:
                previous.close()
            taken = fds[:]
            fds.clear()
            self.servers[request["id"]] = Server(
                self.loop, self.names, self.forwarder, request["id"], taken
            )

    def _drop(self, id: str) -> None:
        self.names.drop(id)
        server = self.servers.pop(id, None)
        if server is not None:
            server.close()


def main() -> None:
    """argv[1]: the fd of the listening control socket."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Resolver(_socket.socket(fileno=int(sys.argv[1]))).run()
