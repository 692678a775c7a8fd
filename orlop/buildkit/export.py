"""What becomes of a build: an image with names here, or files that the client gets."""

from __future__ import annotations

from typing import Any

from orlop.builder.builder import Builder
from orlop.builder.finish import name_image
from orlop.buildkit.frontend import Build
from orlop.buildkit.grpc import UNKNOWN, RpcFailure
from orlop.buildkit.jobs import Job
from orlop.buildkit.story import Told
from orlop.oci.reference import parse_normalized

Json = dict[str, Any]
_IMAGES = ("moby", "image")


def export(builder: Builder, job: Job, build: Build | None) -> dict[str, str]:
    """What the client is told of it. Raises RpcFailure."""
    out: dict[str, str] = {}
    if build is None:
        return out
    exporters = _exporters(job.request)
    for one in exporters:
        if one.get("type") not in _IMAGES:
            raise RpcFailure(UNKNOWN, f'exporter "{one.get("type", "")}" could not be found')
    outcome = build.carry_out("last" if any(e["type"] in _IMAGES for e in exporters) else "none")
    for one in exporters:
        out |= _image(builder, job, outcome.image, one.get("attrs", {}))
    return out


def _exporters(request: Json) -> list[Json]:
    found: list[Json] = request.get("exporters", [])
    if not found and request.get("exporter"):
        found = [{"type": request["exporter"], "attrs": request.get("exporter_attrs", {})}]
    return found


def _image(builder: Builder, job: Job, image: str, attrs: dict[str, str]) -> dict[str, str]:
    targets = [parse_normalized(name) for name in attrs.get("name", "").split(",") if name]
    told = Told(job, "exporting to image")
    with told.during():
        with told.part("exporting layers"):
            pass  # the build's layers are stored as they come to be
        with told.part(f"writing image {image}"):
            pass
        for target in targets:
            with told.part(f"naming to {target}"):
                name_image(builder, target.with_default_tag(), image)
    out = {"containerimage.config.digest": image, "containerimage.digest": image}
    if targets:
        out["image.name"] = ",".join(str(target) for target in targets)
    return out
