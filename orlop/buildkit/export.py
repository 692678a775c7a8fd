"""What becomes of a build: an image with names here, or files that the client gets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from orlop.builder.builder import Builder
from orlop.builder.events import Finished
from orlop.builder.finish import keep_image, name_image
from orlop.buildkit.frontend import Build
from orlop.buildkit.grpc import UNKNOWN, RpcFailure
from orlop.buildkit.jobs import Job
from orlop.buildkit.sender import send_stream, send_tree
from orlop.buildkit.story import Told
from orlop.oci.digest import ChainID
from orlop.oci.reference import parse_normalized
from orlop.paths import Root
from orlop.storage import changes, seal
from orlop.storage.recordfile import nothing

Json = dict[str, Any]
_IMAGES = ("moby", "image")
_FILES = {
    "local": ("exporting to client directory", "copying files"),
    "tar": ("exporting to client tarball", "sending tarball"),
}


def export(builder: Builder, job: Job, build: Build | None) -> dict[str, str]:
    """What the client is told of it. Raises RpcFailure."""
    out: dict[str, str] = {}
    if build is None:
        return out
    exporters = _exporters(job.request)
    for one in exporters:
        if one.get("type") not in (*_IMAGES, *_FILES):
            raise RpcFailure(UNKNOWN, f'exporter "{one.get("type", "")}" could not be found')
    outcome = build.carry_out()
    for number, one in enumerate(exporters):
        if one["type"] in _IMAGES:
            out |= _image(builder, job, build, outcome, one.get("attrs", {}))
        else:
            _files(builder, job, outcome, one["type"], number)
    return out


def _files(builder: Builder, job: Job, outcome: Finished, kind: str, number: int) -> None:
    name, part = _FILES[kind]
    told = Told(job, name)
    with told.during(), _tree(builder, outcome.chain) as root, told.part(part) as status:

        def progress(size: int) -> None:
            job.check()
            status["current"] = size

        if kind == "local":
            send_tree(job.session, root, number, progress)
        else:
            send_stream(job.session, _archive(root, job), number)


@contextlib.contextmanager
def _tree(builder: Builder, chain: str) -> Iterator[Root]:
    fd = builder.layers.view(ChainID(chain)) if chain else nothing()
    try:
        root = Root(fd)
    finally:
        os.close(fd)
    with root:
        yield root


def _archive(root: Root, job: Job) -> Iterator[bytes]:
    """All files as a tar, as they are."""
    with contextlib.ExitStack() as stack:
        top, empty = root.directory("."), nothing()
        stack.callback(os.close, top)
        stack.callback(os.close, empty)
        for chunk in seal.archive(root, changes.compare_whole(top, empty), None):
            job.check()
            yield chunk


def _exporters(request: Json) -> list[Json]:
    found: list[Json] = request.get("exporters", [])
    if not found and request.get("exporter"):
        found = [{"type": request["exporter"], "attrs": request.get("exporter_attrs", {})}]
    return found


def _image(
    builder: Builder, job: Job, build: Build, outcome: Finished, attrs: dict[str, str]
) -> dict[str, str]:
    targets = [parse_normalized(name) for name in attrs.get("name", "").split(",") if name]
    image = outcome.image
    told = Told(job, "exporting to image")
    with told.during():
        with told.part("exporting layers"):
            pass  # the build's layers are stored as they come to be
        with told.part(f"writing image {image}"):
            keep_image(builder, outcome.document)
            build.asked_for()
        for target in targets:
            with told.part(f"naming to {target}"):
                name_image(builder, target.with_default_tag(), image)
    out = {"containerimage.config.digest": image, "containerimage.digest": image}
    if targets:
        out["image.name"] = ",".join(str(target) for target in targets)
    return out
