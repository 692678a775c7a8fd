"""Ports of the host for a daemon in a network namespace of its own: bound by the doorkeeper.

A socket belongs to the namespace it was made in, whoever holds it: so the proxy, in ours, accepts
from the host and connects to containers.
"""

from __future__ import annotations

import marshal
import os
import socket
from pathlib import Path

_TIMEOUT = 10.0


class Door:
    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def bind(self, protocol: str, ip: str, port: int) -> socket.socket | None:
        """As `ports.bind`, on the host. Raises OSError."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.settimeout(_TIMEOUT)
            try:
                door.connect(self._path)
                door.send(marshal.dumps({"protocol": protocol, "ip": ip, "port": port}))
                data, fds, _, _ = socket.recv_fds(door, 4096, 1)  # ignores flags
                if not data:
                    raise ConnectionResetError(104, "closed")
            except OSError as error:
                raise OSError(
                    error.errno, f"the doorkeeper ({self._path}) does not answer; restart orlopd"
                ) from None
        answer = marshal.loads(data)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        if not fds:
            return None
        os.set_inheritable(fds[0], False)
        return socket.socket(fileno=fds[0])
