"""`/networks`."""

from __future__ import annotations

from orlop.api import encode, models
from orlop.api.answer import NO_CONTENT, Answer
from orlop.api.call import Call
from orlop.errors import NotSupported
from orlop.network import inspect as inspecting
from orlop.network import list as listing


def list_(call: Call) -> Answer:
    return encode.json(listing.list_(call.engine.networks, call.filters()))


def inspect(call: Call) -> Answer:
    return encode.json(inspecting.inspect(call.engine.networks, call.parameters["id"]))


def create(call: Call) -> Answer:
    body = call.json(models.CreateNetwork)
    raise NotSupported(f"cannot create network {body.get('Name', '')}: not supported yet")


def connect(call: Call) -> Answer:
    call.json(models.Connect)
    call.engine.networks.get(call.parameters["id"])
    raise NotSupported("connecting a container to another network is not supported yet")


def disconnect(call: Call) -> Answer:
    call.json(models.Disconnect)
    call.engine.networks.get(call.parameters["id"])
    raise NotSupported("disconnecting a container from its network is not supported yet")


def remove(call: Call) -> Answer:
    call.engine.networks.get(call.parameters["id"])
    return NO_CONTENT


def prune(call: Call) -> Answer:
    return encode.json({"NetworksDeleted": None})
