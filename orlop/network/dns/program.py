"""The process: one loop over the containers' sockets and the control socket.

Control frames (see `control`) with "ask" are answered by {"ids": [containers that have sockets]}:

    {"op": "serve", "id"} + datagram socket, listening socket, namespace      from the container
    {"op": "put", …}  see `names`     {"op": "drop", "id"}     {"op": "keep", "ids": [...]}

Started as `python -I -S`; leaves when it has had nothing to do for a while.
"""

from __future__ import annotations

import _socket
import sys
import time

from orlop.network.control import Control, Loop
from orlop.network.dns.forward import Forwarder
from orlop.network.dns.names import Names
from orlop.network.dns.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TURN = 1.0  # seconds
_IDLE_EXIT = 30.0
_FDS = 3


class Resolver:
    def __init__(self, control: _socket.socket) -> None:
        self.loop = Loop()
        self.names = Names()
        self.forwarder = Forwarder(self.loop)
        self.servers: dict[str, Server] = {}
        self.control = Control(self.loop, control, self._do)
        self.busy_at = time.monotonic()

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
            if self.control.lost():
                return
            if self.servers or self.control.connections:
                self.busy_at = now
            elif now - self.busy_at > _IDLE_EXIT:
                return

    def _do(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
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
        return {"ids": sorted(self.servers)}

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
