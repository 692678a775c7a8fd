"""Which layer every path of an image or container comes from, and what it hides.

The picture of a union mount: each file is seen through from the topmost layer that has it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orlop.container.containers import Containers
from orlop.errors import NotFound
from orlop.paths import Root
from orlop.storage.changes import is_opaque, is_whiteout

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Level:
    number: int  # 0 is the bottom
    name: str  # chain ID, "init" or "container"
    tree: str


def projection(containers: Containers, ref: str) -> Iterator[Json]:
    """First a row {"Layers": [{"Number", "Name"}]}, top first; then one per path, sorted:
    {"Path", "Type", "Layer", "Hides": [numbers], "Deleted"}."""
    levels = _levels(containers, ref)
    yield {"Layers": [{"Number": level.number, "Name": level.name} for level in reversed(levels)]}
    roots = [(level.number, Root(level.tree)) for level in reversed(levels)]
    try:
        yield from _directory(roots, b"")
    finally:
        for _, root in roots:
            root.close()


def _levels(containers: Containers, ref: str) -> list[_Level]:
    layers = containers.layers
    try:
        container = containers.get(ref)
    except NotFound:
        chain = containers.images.get(ref).chain
        stack = layers.chain(chain)
        extra: list[tuple[str, str]] = []
    else:
        made = layers.writable(container.id)
        stack = layers.chain(made.parent)
        extra = [("container", made.mount_id)]
        if made.init_id:
            extra.insert(0, ("init", made.init_id))
    named = [(str(layer.chain_id), layer.cache_id) for layer in stack] + extra
    return [
        _Level(number, name, str(layers.driver.tree(id))) for number, (name, id) in enumerate(named)
    ]


def _directory(roots: list[tuple[int, Root]], path: bytes) -> Iterator[Json]:
    """`roots`: the layers, top first, in which `path` is a directory that is seen."""
    found: dict[bytes, list[tuple[int, Root, os.stat_result]]] = {}
    for number, root in roots:
        for name in root.names(path or b"."):
            child = path + b"/" + name if path else name
            found.setdefault(name, []).append((number, root, root.stat(child)))
    for name in sorted(found):
        child = path + b"/" + name if path else name
        yield from _entry(child, found[name])


def _entry(path: bytes, seen: list[tuple[int, Root, os.stat_result]]) -> Iterator[Json]:
    number, root, status = seen[0]
    row: Json = {
        "Path": "/" + path.decode("utf-8", "replace"),
        "Type": stat.filemode(status.st_mode)[0],
        "Layer": number,
        "Hides": [],
        "Deleted": False,
    }
    if is_whiteout(status):
        row["Deleted"] = True
        row["Hides"] = [n for n, _, _ in seen[1:]]
        yield row
        return
    if not stat.S_ISDIR(status.st_mode):
        row["Hides"] = [n for n, _, _ in seen[1:]]
        yield row
        return
    merged: list[tuple[int, Root]] = []
    for n, r, s in seen:
        if not stat.S_ISDIR(s.st_mode):
            break  # what lies under a file or whiteout is not seen
        merged.append((n, r))
        fd = r.directory(path)
        try:
            if is_opaque(fd):
                row["Hides"] = [m for m, _, _ in seen if m < n]
                break
        finally:
            os.close(fd)
    yield row
    yield from _directory(merged, path)
