"""`build --verify`: build twice, the second time without the cache, and compare.

A build that is not reproducible is an error that names the first step and the first file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from orlop.builder.build import build
from orlop.builder.builder import Builder
from orlop.builder.events import Completed, Event, Finished, Warning
from orlop.builder.request import Request
from orlop.errors import Conflict
from orlop.image.model import Image
from orlop.oci.digest import ChainID, ImageID
from orlop.paths import Root
from orlop.storage.changes import ADDED, DELETED, Change, compare_whole
from orlop.storage.layers import Layers


def verify(builder: Builder, request: Request) -> Iterator[Event]:
    """The events of both builds. Raises Conflict."""
    first: list[Completed] = []
    second: list[Completed] = []
    done: Finished | None = None
    for event in build(builder, request):
        if isinstance(event, Completed):
            first.append(event)
        if isinstance(event, Finished):
            done = event
        else:
            yield event
    yield Warning("Building again, without the cache, to compare")
    again = replace(request, no_cache=True, tags=())  # under its id still, so that it is cancelled
    with closing(build(builder, again)) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, Completed):
                second.append(event)
    _compare(builder, first, second)
    yield Warning("Verified: both builds have the same digest")
    assert done is not None
    yield done


def _compare(builder: Builder, first: list[Completed], second: list[Completed]) -> None:
    now = {(c.vertex.stage, c.vertex.position): c for c in second}
    for before in sorted(first, key=lambda c: c.vertex.number):
        after = now.get((before.vertex.stage, before.vertex.position))
        if after is None or after.image == before.image:
            continue
        one, other = _image(builder, before.image), _image(builder, after.image)
        where = ""
        if one is not None and other is not None:
            where = _difference(builder.layers, one, other)
        raise Conflict(
            f"not reproducible: step {before.vertex.number} ({before.vertex.text}) came out "
            f"differently{where}"
        )


def _image(builder: Builder, id: str) -> Image | None:
    return builder.images.find(ImageID(id))


def _difference(layers: Layers, one: Image, other: Image) -> str:
    for a, b in zip(one.chains, other.chains, strict=False):
        if a != b:
            return _first_file(layers, a, b)
    return ": the settings differ"


def _first_file(layers: Layers, one: ChainID, other: ChainID) -> str:
    before, after = layers.view(one), layers.view(other)
    try:
        readable = [
            os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
            for fd in (before, after)
        ]
        try:
            for change in compare_whole(readable[1], readable[0]):
                text = _how(change, readable[0], readable[1])
                if text:
                    return text
        finally:
            for fd in readable:
                os.close(fd)
    finally:
        os.close(before)
        os.close(after)
    return _contents(layers, one, other)


def _how(change: Change, before: int, after: int) -> str:
    if change.kind == ADDED:
        return f": {change.path} is only in the second"
    if change.kind == DELETED:
        return f": {change.path} is only in the first"
    with Root(before) as one, Root(after) as other:
        a, b = one.stat(change.path), other.stat(change.path)
        if a.st_size != b.st_size:
            return f": {change.path} has {a.st_size} bytes, then {b.st_size}"
        if a.st_mode != b.st_mode:
            return f": {change.path} has mode {a.st_mode & 0o7777:o}, then {b.st_mode & 0o7777:o}"
        if (a.st_uid, a.st_gid) != (b.st_uid, b.st_gid):
            return f": {change.path} has another owner"
    return ""


def _contents(layers: Layers, one: ChainID, other: ChainID) -> str:
    """Same names, sizes and modes: the contents have to be read."""
    with (
        Root(layers.driver.tree(layers.get(one).cache_id)) as before,
        Root(layers.driver.tree(layers.get(other).cache_id)) as after,
    ):
        todo = ["/"]
        while todo:
            path = todo.pop()
            status = before.stat(path)
            if stat.S_ISDIR(status.st_mode):
                names = [os.fsdecode(n) for n in before.names(path)]
                todo += [f"{path.rstrip('/')}/{name}" for name in reversed(names)]
            elif stat.S_ISREG(status.st_mode):
                if _bytes(before, path) != _bytes(after, path):
                    return f": {path} has other content"
    return ""


def _bytes(root: Root, path: str) -> bytes:
    fd = root.open(path, os.O_RDONLY | os.O_NONBLOCK, follow=False)
    with os.fdopen(fd, "rb") as file:
        return file.read()
