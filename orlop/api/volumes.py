"""`/volumes`."""

from __future__ import annotations

from orlop.api import encode, models
from orlop.api.answer import NO_CONTENT, Answer, Reply
from orlop.api.call import Call
from orlop.api.unsupported import NOT_A_MANAGER
from orlop.api.versions import requests
from orlop.errors import InvalidArgument, Unavailable
from orlop.volume import list as listing
from orlop.volume import prune as pruning


def list_(call: Call) -> Answer:
    try:
        filters = call.filters()
    except InvalidArgument as error:
        raise InvalidArgument(f"error reading volume filters: {error.message}") from None
    found = listing.list_(call.engine.volumes, filters)
    return encode.json({"Volumes": [v.document() for v in found], "Warnings": None})


def create(call: Call) -> Answer:
    body = requests.adapt("volume", call.json(models.CreateVolume, optional=True), call.version)
    if body.get("ClusterVolumeSpec") is not None:
        raise Unavailable(NOT_A_MANAGER)
    made = call.engine.volumes.create(
        body.get("Name") or None,
        body.get("Driver") or "local",
        body.get("DriverOpts") or {},
        body.get("Labels") or {},
    )
    return encode.json(made.document(), 201)


def inspect(call: Call) -> Answer:
    found = call.engine.volumes.get(call.parameters["name"])
    return encode.json(found.document())


def update(call: Call) -> Reply:
    raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")


def remove(call: Call) -> Answer:
    call.engine.volumes.remove(call.parameters["name"], force=call.flag("force"))
    return NO_CONTENT


def prune(call: Call) -> Answer:
    filters = call.filters()
    if call.version < (1, 42):
        if "all" in filters:
            given = " ".join([*filters["all"], "true"])
            raise InvalidArgument(f"invalid filter 'all=[{given}]': only one value is expected")
        filters["all"] = ["true"]  # 1.42 spares named volumes
    removed, freed = pruning.prune(call.engine.volumes, filters)
    return encode.json({"VolumesDeleted": removed, "SpaceReclaimed": freed})
