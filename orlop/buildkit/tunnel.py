"""`Control/Session`: a session inside a call, for a client that has no other connection to spare.

bake opens one for the directories that its builds share.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import UNKNOWN, Incoming, RpcFailure
from orlop.buildkit.http2 import Broken
from orlop.errors import OrlopError

if TYPE_CHECKING:
    from orlop.buildkit.buildkit import Buildkit

_HEADER = "x-docker-expose-session-"
_PIECE = 32 << 10


def session(kit: Buildkit, call: Incoming) -> None:
    """Until the client ends it. Raises RpcFailure."""
    id = call.first(_HEADER + "uuid")
    if not id:
        raise RpcFailure(UNKNOWN, "no session id in request")
    ours, theirs = socket.socketpair()
    with ours:
        lending = threading.Thread(
            target=_lend, args=(kit, theirs, id, call), name="orlop-session", daemon=True
        )
        lending.start()
        incoming = threading.Thread(target=_bring, args=(call, ours), daemon=True)
        incoming.start()
        try:
            while data := ours.recv(_PIECE):
                call.send(m.CHUNK, {"data": data})
        finally:
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            lending.join()


def _lend(kit: Buildkit, sock: socket.socket, id: str, call: Incoming) -> None:
    with contextlib.suppress(OrlopError):  # the session is there already: the tunnel ends
        kit.lend(
            sock.detach(),
            b"",
            id=id,
            shared_key=call.first(_HEADER + "sharedkey"),
            methods=call.metadata.get(_HEADER + "grpc-method", ()),
        )


def _bring(call: Incoming, sock: socket.socket) -> None:
    """What the client sends. It ends when the call does."""
    try:
        while (found := call.receive(m.CHUNK)) is not None:
            sock.sendall(found.get("data", b""))
    except (OSError, Broken, RpcFailure):
        pass
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
