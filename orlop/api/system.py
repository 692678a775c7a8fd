"""`/_ping /version /info /system/df`."""

from __future__ import annotations

from typing import Any

from orlop.api import encode
from orlop.api import info as collecting
from orlop.api.answer import Answer
from orlop.api.call import Call
from orlop.api.versions import answers
from orlop.builder.cache import Record
from orlop.container.times import stamp
from orlop.errors import InvalidArgument, OrlopError

Json = dict[str, Any]
_KINDS = ("container", "image", "volume", "build-cache")


def ping(call: Call) -> Answer:
    from orlop.api.application import PING

    return PING


def version(call: Call) -> Answer:
    return encode.json(collecting.version())


def info(call: Call) -> Answer:
    return encode.json(answers.shape("info", collecting.info(call.engine), call.version))


def disk_usage(call: Call) -> Answer:
    wanted = call.texts("type") or list(_KINDS)
    for kind in wanted:
        if kind not in _KINDS:
            raise InvalidArgument(f"unknown object type: {kind}")
    engine = call.engine
    out: Json = {}
    if "image" in wanted:
        from orlop.image.list_ import list_ as images

        out["LayersSize"] = sum(layer.size for layer in engine.layers.all())
        rows = images(engine.images, shared_size=True, containers=True)
        out["Images"] = [answers.shape("image summary", row, call.version) for row in rows]
    if "container" in wanted:
        from orlop.container.list import list_ as containers

        rows = containers(engine.containers, all=True, size=True)
        out["Containers"] = [
            answers.shape("container summary", dict(row), call.version) for row in rows
        ]
    if "volume" in wanted:
        out["Volumes"] = [
            _volume(call, volume) for volume in engine.volumes.all() if not volume.options
        ]
    if "build-cache" in wanted:
        named = {chain for image in engine.images.all() for chain in image.chains}
        records = engine.builder.cache.records()
        out["BuildCache"] = [_cached(record, record.chain in named) for record in records]
    for key in ("Images", "Containers", "Volumes", "BuildCache"):
        out.setdefault(key, None)
    out.setdefault("LayersSize", 0)
    return encode.json(out)


def _cached(record: Record, shared: bool) -> Json:
    """`shared`: an image has its files, too; then they are counted there."""
    return {
        "ID": record.key,
        "Type": "regular",
        "Description": record.text,
        "InUse": False,
        "Shared": shared,
        "Size": record.size,
        "CreatedAt": stamp(int(record.created * 1e9)),
        "LastUsedAt": stamp(int(record.used * 1e9)),
        "UsageCount": record.uses,
    }


def _volume(call: Call, volume: Any) -> Json:
    from orlop.volume.prune import usage

    try:
        size = usage(volume.mountpoint)
    except (OSError, OrlopError):
        size = -1
    users = len(call.engine.volumes.users(volume.name))
    return {**volume.document(), "UsageData": {"RefCount": users, "Size": size}}
