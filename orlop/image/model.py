"""The image as a value, and the narrow view of the layer store that images need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from orlop.oci.digest import ChainID, DiffID, ImageID, next_chain


@dataclass(frozen=True, slots=True)
class Image:
    """`raw` is the config exactly as stored; it is decoded when asked for, never kept decoded."""

    id: ImageID
    raw: bytes
    diff_ids: tuple[DiffID, ...]
    chains: tuple[ChainID, ...]  # bottom first, one per layer
    created: str  # RFC 3339, "" when the config has none
    parent: ImageID | None = None

    @property
    def config(self) -> dict[str, Any]:
        """A fresh dict of the whole config document."""
        value: dict[str, Any] = msgspec.json.decode(self.raw)
        return value

    @property
    def run_config(self) -> dict[str, Any]:
        """The `config` object inside: what containers start from."""
        return self.config.get("config") or {}

    @property
    def chain(self) -> ChainID | None:
        return self.chains[-1] if self.chains else None

    @property
    def short(self) -> str:
        return self.id[7:19]


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A container that was made from an image."""

    container_id: str
    image_id: str
    image_ref: str
    running: bool


def chains_of(diff_ids: Iterable[DiffID]) -> tuple[ChainID, ...]:
    out: list[ChainID] = []
    for diff in diff_ids:
        out.append(next_chain(out[-1] if out else None, diff))
    return tuple(out)


class Layer(Protocol):
    @property
    def chain_id(self) -> ChainID: ...
    @property
    def diff_id(self) -> DiffID: ...
    @property
    def parent(self) -> ChainID | None: ...
    @property
    def cache_id(self) -> str: ...
    @property
    def size(self) -> int: ...


class Staged(Protocol):
    """An unpacked layer that is not stacked yet."""

    @property
    def diff_id(self) -> DiffID: ...


class LayerStore(Protocol):
    """The part of `storage.Layers` that images use."""

    root: Path

    def get(self, chain: ChainID) -> Layer: ...
    def has(self, chain: ChainID) -> bool: ...
    def all(self) -> Sequence[Layer]: ...
    def stage(self, blob: BinaryIO) -> Any: ...
    def drop(self, staged: Any) -> None: ...
    def sync(self) -> None: ...
    def commit(self, parent: ChainID | None, staged: Any) -> Layer: ...
    def view(self, chain: ChainID) -> int: ...
    def open_tar(self, chain: ChainID) -> Iterator[bytes]: ...
    def delete(self, chain: ChainID) -> None: ...
    def ours(self, name: str) -> bool: ...
