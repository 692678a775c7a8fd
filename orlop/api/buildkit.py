"""`POST /session` and `POST /grpc`: the connection leaves HTTP/1.1 for BuildKit's protocol."""

from __future__ import annotations

from orlop.api.answer import Hijacked, Reply
from orlop.api.call import Call
from orlop.errors import Conflict, InvalidArgument

_HEADER = "x-docker-expose-session-"


def session(call: Call) -> Reply:
    """The client lends its files, secrets and agents; it is the one that answers calls."""
    _check(call)
    kit = call.engine.buildkit
    id = call.header(_HEADER + "uuid")
    if not id:
        raise InvalidArgument("no session id in request")
    if any(known.id == id for known in kit.sessions.all()):
        raise Conflict(f"session {id} already exists")
    fd, leftover = _switch(call)
    kit.lend(
        fd,
        leftover,
        id=id,
        shared_key=call.header(_HEADER + "sharedkey"),
        methods=call.headers(_HEADER + "grpc-method"),
    )
    return Hijacked()


def grpc(call: Call) -> Reply:
    """The client calls."""
    _check(call)
    fd, leftover = _switch(call)
    call.engine.buildkit.serve(fd, leftover)
    return Hijacked()


def _check(call: Call) -> None:
    wanted = call.upgrade()
    if not wanted:
        raise InvalidArgument("no upgrade proto in request")
    if wanted != b"h2c":
        raise InvalidArgument(f"protocol {wanted.decode('ascii', 'replace')} not supported")


def _switch(call: Call) -> tuple[int, bytes]:
    return call.switch("101 Switching Protocols", ["Connection: Upgrade", "Upgrade: h2c"])
