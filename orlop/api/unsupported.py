"""What Docker has and one host without swarm and plugins has not: Docker's own answers."""

from __future__ import annotations

from orlop.api import encode
from orlop.api.answer import Answer, Reply
from orlop.api.call import Call
from orlop.errors import InvalidArgument, NotFound, NotSupported, Unavailable

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
    "to connect this node to swarm and try again."
)


def swarm(call: Call) -> Reply:
    raise Unavailable(NOT_A_MANAGER)


def swarm_start(call: Call) -> Reply:
    raise NotSupported("swarm mode is not supported by this engine")


def swarm_leave(call: Call) -> Reply:
    raise Unavailable("This node is not part of a swarm")


def plugins(call: Call) -> Answer:
    for name in call.filters():
        if name not in ("capability", "enabled"):
            raise InvalidArgument(f"invalid filter '{name}'")
    return encode.json([])


def plugin(call: Call) -> Reply:
    name = call.parameters.get("name", call.text("remote"))
    if name in ("pull", "create") or call.path == "/plugins/privileges":
        raise NotSupported("managed plugins are not supported by this engine")
    for verb in ("enable", "disable", "upgrade", "push", "set"):
        if call.method == "POST":
            name = name.removesuffix(f"/{verb}")
    raise NotFound(f'plugin "{name}" not found')


def checkpoints(call: Call) -> Reply:
    call.engine.containers.get(call.parameters["id"])
    raise NotSupported("checkpoints are not supported by this engine")
