"""`/networks`."""

from __future__ import annotations

from orlop.api import decode, encode, models
from orlop.api.answer import NO_CONTENT, Answer
from orlop.api.call import Call
from orlop.api.versions import requests
from orlop.container import connect as connecting
from orlop.network import (
    create as creating,
)
from orlop.network import (
    inspect as inspecting,
)
from orlop.network import (
    list as listing,
)
from orlop.network import (
    prune as pruning,
)
from orlop.network import (
    remove as removing,
)


def list_(call: Call) -> Answer:
    return encode.json(listing.list_(call.engine.networks, call.filters()))


def inspect(call: Call) -> Answer:
    found = inspecting.inspect(call.engine.networks, call.parameters["id"], call.text("scope"))
    return encode.json(found)


def create(call: Call) -> Answer:
    body = call.json(models.CreateNetwork, optional=True)
    id, warning = creating.create(call.engine.networks, body)
    return encode.json({"Id": id, "Warning": warning}, 201)


def connect(call: Call) -> Answer:
    body = requests.adapt("connect", call.json(models.Connect, optional=True), call.version)
    connecting.connect(
        call.engine.containers,
        call.parameters["id"],
        body.get("Container") or "",
        body.get("EndpointConfig"),
    )
    return Answer(200, b"", "")


def disconnect(call: Call) -> Answer:
    body = call.json(models.Disconnect, optional=True)
    connecting.disconnect(
        call.engine.containers,
        call.parameters["id"],
        body.get("Container") or "",
        force=bool(body.get("Force")),
    )
    return Answer(200, b"", "")


def remove(call: Call) -> Answer:
    removing.remove(call.engine.networks, call.parameters["id"])
    return NO_CONTENT


def prune(call: Call) -> Answer:
    filters = call.filters()
    until = decode.before(filters.get("until") or [])
    kept = _of_stopped(call)
    removed = pruning.prune(
        call.engine.networks,
        filters,
        older=lambda created: until is None or decode.moment(created) < until,
        used=lambda id: id in kept,
    )
    return encode.json({"NetworksDeleted": removed or None})


def _of_stopped(call: Call) -> set[str]:
    """Networks that a container wants when it starts again."""
    out = set()
    for container in call.engine.containers.all():
        settings = container.record.get("NetworkSettings") or {}
        for endpoint in (settings.get("Networks") or {}).values():
            out.add(endpoint.get("NetworkID") or "")
    return out
