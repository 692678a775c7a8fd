"""Tar archives in and out: copy, export, save, load."""

from __future__ import annotations

from collections.abc import Iterator

from orlop.api.answer import TAR, Answer, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.container import copy as copying
from orlop.container import export as exporting
from orlop.errors import InvalidArgument
from orlop.image.load import load as loading
from orlop.image.save import save as saving


def _path(call: Call) -> str:
    path = call.text("path")
    if not path:
        raise InvalidArgument("bad parameter: pathcannot be empty")
    return path


def stat(call: Call) -> Answer:
    found = copying.archive_stat(call.engine.containers, call.parameters["id"], _path(call))
    return Answer(200, b"", "", (("X-Docker-Container-Path-Stat", found.header()),))


def get(call: Call) -> Stream:
    found, chunks = copying.archive_get(call.engine.containers, call.parameters["id"], _path(call))
    return Stream(chunks, TAR, headers=(("X-Docker-Container-Path-Stat", found.header()),))


def put(call: Call) -> Answer:
    copying.archive_put(
        call.engine.containers,
        call.parameters["id"],
        _path(call),
        call.body,
        no_overwrite_dir_non_dir=call.flag("noOverwriteDirNonDir"),
        copy_uid_gid=call.flag("copyUIDGID"),
    )
    return Answer(200, b"", "")


def export(call: Call) -> Stream:
    chunks = exporting.export(call.engine.containers, call.parameters["id"])
    return Stream(_begun(chunks), "application/octet-stream")


def save(call: Call) -> Stream:
    names = [call.parameters["name"]] if call.parameters else call.texts("names")
    if not names:
        raise InvalidArgument("no image names given")
    chunks = saving(call.engine.images, names, platform=_platform(call))
    return Stream(_begun(chunks), TAR)


def load(call: Call) -> Stream:
    messages = loading(
        call.engine.images, call.body, platform=_platform(call), quiet=call.flag("quiet")
    )
    return progress(messages, eager=False)


def _platform(call: Call) -> str | None:
    """JSON of an OCI platform (API 1.48), or os/arch."""
    text = call.text("platform")
    if not text.startswith("{"):
        return text or None
    from orlop.api.decode import platform

    return platform(text)


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What fails before the first chunk is raised here, and becomes an HTTP status."""
    first = next(chunks, b"")

    def run() -> Iterator[bytes]:
        try:
            yield first
            yield from chunks
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    return run()
