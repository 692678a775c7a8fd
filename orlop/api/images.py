"""`/images`: the calls that answer with one document. Registries are in `transfer.py`."""

from __future__ import annotations

from orlop.api import decode, encode
from orlop.api.answer import Answer
from orlop.api.call import Call
from orlop.api.versions import answers
from orlop.errors import InvalidArgument
from orlop.image import (
    history as looking_back,
)
from orlop.image import (
    inspect as inspecting,
)
from orlop.image import (
    list_ as listing,
)
from orlop.image import (
    prune as pruning,
)
from orlop.image import (
    remove as removing,
)
from orlop.image import (
    tag as tagging,
)


def list_(call: Call) -> Answer:
    filters = call.filters()
    if call.text("filter"):  # before API 1.41
        filters.setdefault("reference", []).append(call.text("filter"))
    rows = listing.list_(
        call.engine.images,
        all=call.flag("all"),
        filters=filters,
        shared_size=call.flag("shared-size"),
    )
    return encode.json([answers.shape("image summary", row, call.version) for row in rows])


def inspect(call: Call) -> Answer:
    platform = call.text("platform")
    if platform:
        if call.flag("manifests"):
            raise InvalidArgument(
                "conflicting options: manifests and platform options cannot both be set"
            )
        _require(call, decode.platform(platform))
    found = inspecting.inspect(
        call.engine.images, call.parameters["name"], legacy=call.version < (1, 50)
    )
    if call.version >= (1, 45):
        found.pop("Container", None)
        found.pop("ContainerConfig", None)
    return encode.json(answers.shape("image", found, call.version))


def _require(call: Call, platform: str) -> None:
    from orlop.image.suitable import require

    name = call.parameters["name"]
    require(call.engine.images.get(name), name, platform)


def history(call: Call) -> Answer:
    if call.text("platform"):
        _require(call, decode.platform(call.text("platform")))
    return encode.json(looking_back.history(call.engine.images, call.parameters["name"]))


def tag(call: Call) -> Answer:
    tagging.tag(call.engine.images, call.parameters["name"], call.text("repo"), call.text("tag"))
    return Answer(201, b"", "")


def remove(call: Call) -> Answer:
    for platform in call.texts("platforms"):
        _require(call, decode.platform(platform))
    deleted = removing.remove(
        call.engine.images,
        call.parameters["name"],
        force=call.flag("force"),
        noprune=call.flag("noprune"),
    )
    return encode.json(deleted)


def prune(call: Call) -> Answer:
    return encode.json(pruning.prune(call.engine.images, call.filters()))
