"""The values of the layer store, and how a committed layer's record is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orlop.oci.digest import ChainID, DiffID, digest_of
from orlop.storage.recordfile import DIGEST, TREE, text


@dataclass(frozen=True, slots=True)
class Layer:
    chain_id: ChainID
    diff_id: DiffID
    parent: ChainID | None
    cache_id: str
    size: int  # bytes of its files


@dataclass(frozen=True, slots=True)
class Staged:
    """Unpacked, not yet stacked on anything and known to nobody."""

    cache_id: str
    diff_id: DiffID
    size: int
    folder: Path  # layerdb/tmp/write-set-*


@dataclass(frozen=True, slots=True)
class Writable:
    container_id: str
    mount_id: str
    init_id: str  # "" when made without one
    parent: ChainID | None
    volatile: bool = False  # not worth a sync: the container goes with its first exit


def read_layer(folder: Path) -> Layer | None:
    """None for a record that cannot be used: its image is then listed as damaged, not the root."""
    try:
        size = int(text(folder / "size") or "-1")
    except ValueError:
        return None
    diff, cache_id = text(folder / "diff"), text(folder / "cache-id")
    parent = text(folder / "parent")
    digests = [diff, parent] if parent else [diff]
    if size < 0 or not TREE.fullmatch(cache_id) or not all(map(DIGEST.fullmatch, digests)):
        return None
    return Layer(
        ChainID(f"sha256:{folder.name}"),
        DiffID(diff),
        ChainID(parent) if parent else None,
        cache_id,
        size,
    )


def read_writable(folder: Path) -> Writable | None:
    """None for a record that was cut short."""
    mount_id = text(folder / "mount-id")
    init_id, parent = _optional(folder / "init-id", TREE), _optional(folder / "parent", DIGEST)
    if not TREE.fullmatch(mount_id) or init_id is None or parent is None:
        return None
    return Writable(folder.name, mount_id, init_id, ChainID(parent) if parent else None)


def _optional(path: Path, form: re.Pattern[str]) -> str | None:
    """ "" without such a file, None for one that says nothing."""
    found = text(path)
    if form.fullmatch(found):
        return found
    return None if found or path.exists() else ""


def mount_id_of(container_id: str) -> str:
    """The name of its tree: one that can be found again when the record of it is lost."""
    return digest_of(f"orlop mount {container_id}".encode())[7:]
