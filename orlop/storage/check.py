"""Layers and trees on disk against what they should be. Reads, hashes, changes nothing.

layer_problems(layers)        -> (chain ID, problem) of every record under layerdb/sha256
layer_problem(layers, chain)  -> of one
writable_problem(layers, id)  -> what is wrong with a container's writable layer
orphans(layers, containers)   -> (kind, ID, problem) of what belongs to nobody
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from orlop.errors import NotFound, OrlopError
from orlop.oci.digest import ChainID, DiffID, hex_of, next_chain, parse_digest
from orlop.paths import Root
from orlop.storage.layers import Layers
from orlop.storage.recordfile import text
from orlop.storage.tarsplit import assemble

_YOUNG = 3600  # seconds: a pull may still be filling it


def layer_problems(layers: Layers) -> Iterator[tuple[str, str]]:
    """ "" for a record that is right."""
    for folder in sorted((layers.root / "sha256").iterdir()):
        if not folder.name.endswith("-removing"):
            chain = ChainID(f"sha256:{folder.name}")
            yield chain, layer_problem(layers, chain)


def layer_problem(layers: Layers, chain: ChainID) -> str:
    folder = layers.root / "sha256" / hex_of(chain)
    try:
        diff = DiffID(parse_digest(text(folder / "diff")))
        above = text(folder / "parent")
        parent = ChainID(parse_digest(above)) if above else None
        if next_chain(parent, diff) != chain:
            return "its diff ID and parent do not give its chain ID"
        if parent is not None and not (layers.root / "sha256" / parent[7:]).is_dir():
            return f"its parent {parent} is missing"
        cache_id = text(folder / "cache-id")
        if not cache_id or "/" in cache_id or not layers.driver.exists(cache_id):
            return f"its files (cache ID {cache_id[:64] or 'empty'}) are missing"
        below = layers.get(parent).cache_id if parent and layers.has(parent) else None
        if stacking := layers.driver.stacking_problem(cache_id, below):
            return stacking
        known = layers.get(chain) if layers.has(chain) else None
        if known is None or text(folder / "size") != str(known.size):
            return "its record cannot be read"
        return _content(folder, layers.driver.tree(cache_id), diff)
    except (OSError, ValueError, OrlopError) as error:
        return str(error)


def _content(folder: Path, tree: Path, diff: DiffID) -> str:
    digest = hashlib.sha256()
    with Root(tree) as root:
        for piece in assemble(folder / "tar-split.json.gz", root):
            digest.update(piece)
    found = f"sha256:{digest.hexdigest()}"
    return "" if found == diff else f"its content has digest {found}"


def writable_problem(layers: Layers, container_id: str) -> str:
    """ "" when the container's writable layer stands on its image's."""
    try:
        made = layers.writable(container_id)
    except NotFound:
        return "its writable layer is missing"
    below = layers.get(made.parent).cache_id if made.parent and layers.has(made.parent) else None
    if made.init_id:
        if problem := layers.driver.stacking_problem(made.init_id, below):
            return f"its init layer: {problem}"
        below = made.init_id
    problem = layers.driver.stacking_problem(made.mount_id, below)
    return f"its writable layer: {problem}" if problem else ""


def orphans(layers: Layers, containers: set[str]) -> Iterator[tuple[str, str, str]]:
    """Kinds: "tree", "mount". What is perhaps being made now is left out."""
    busy = any((layers.root / "tmp").iterdir())
    named = {layer.cache_id for layer in layers.all()}  # those of a build are in no record yet
    for folder in (layers.root / "sha256").iterdir():
        named.add(text(folder / "cache-id"))
    for folder in (layers.root / "mounts").iterdir():
        ids = {text(folder / "mount-id"), text(folder / "init-id")} - {""}
        named |= ids
        if folder.name not in containers:
            yield "mount", folder.name, "no container has this writable layer"
        for id in sorted(ids):
            if not layers.driver.exists(id):
                yield "mount", folder.name, f"its files ({id}) are missing"
    for id in sorted(set(layers.driver.all()) - named):
        if busy and time.time() - os.stat(layers.driver.tree(id)).st_ctime < _YOUNG:
            continue
        yield "tree", id, "no record names these files"
