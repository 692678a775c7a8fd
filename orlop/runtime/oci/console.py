"""The caller's console socket, which gets the master of a container's terminal.

Source: runc's docs/terminals.md (one message, the name as data, the master by SCM_RIGHTS).
"""

from __future__ import annotations

import _socket
import os
import struct

from orlop.errors import InvalidArgument


def connect(path: str) -> _socket.socket:
    """Raises InvalidArgument."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise InvalidArgument(f"console socket {path}: {error.strerror}") from None
    return sock


def hand_over(sock: _socket.socket, master: int) -> None:
    """Give the master to whoever listens; ours is closed."""
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", master))]
    sock.sendmsg([b"/dev/ptmx"], rights)
    sock.close()
    os.close(master)
