"""`/networks`."""

from __future__ import annotations

from orlop.api import encode, models
from orlop.api.answer import NO_CONTENT, Answer
from orlop.api.call import Call
from orlop.errors import NotSupported
from orlop.network import create as creating
from orlop.network import inspect as inspecting
from orlop.network import list as listing
from orlop.network import prune as pruning
from orlop.network import remove as removing


def list_(call: Call) -> Answer:
    return encode.json(listing.list_(call.engine.networks, call.filters()))


def inspect(call: Call) -> Answer:
    return encode.json(inspecting.inspect(call.engine.networks, call.parameters["id"]))


def create(call: Call) -> Answer:
    id, warning = creating.create(call.engine.networks, call.json(models.CreateNetwork))
    return encode.json({"Id": id, "Warning": warning}, 201)


def connect(call: Call) -> Answer:
    call.json(models.Connect)
    call.engine.networks.get(call.parameters["id"])
    raise NotSupported("connecting a container to another network is not supported yet")


def disconnect(call: Call) -> Answer:
    call.json(models.Disconnect)
    call.engine.networks.get(call.parameters["id"])
    raise NotSupported("disconnecting a container from its network is not supported yet")


def remove(call: Call) -> Answer:
    removing.remove(call.engine.networks, call.parameters["id"])
    return NO_CONTENT


def prune(call: Call) -> Answer:
    removed = pruning.prune(call.engine.networks, call.filters())
    return encode.json({"NetworksDeleted": removed or None})
