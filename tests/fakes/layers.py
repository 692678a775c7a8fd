"""A layer store in memory: hashes what it is given, keeps the plain archive."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orlop.errors import Conflict, NotFound
from orlop.oci.digest import ChainID, DiffID, next_chain
from orlop.storage import compression, tar


@dataclass(frozen=True)
class Layer:
    chain_id: ChainID
    diff_id: DiffID
    parent: ChainID | None
    cache_id: str
    size: int


@dataclass(frozen=True)
class Staged:
    diff_id: DiffID
    data: bytes


class FakeLayers:
    def __init__(self, root: Path = Path("/nonexistent")) -> None:
        self.root = root
        self.layers: dict[ChainID, Layer] = {}
        self.data: dict[DiffID, bytes] = {}
        self.staged: set[int] = set()
        self.pinned: set[ChainID] = set()  # a container stands on these
        self.syncs = 0
        self._lock = threading.Lock()

    def get(self, chain: ChainID) -> Layer:
        if chain not in self.layers:
            raise NotFound(f"layer does not exist: {chain}")
        return self.layers[chain]

    def ours(self, name: str) -> bool:
        return True

    def has(self, chain: ChainID) -> bool:
        return chain in self.layers

    def all(self) -> list[Layer]:
        return list(self.layers.values())

    def stage(self, blob: BinaryIO) -> Staged:
        data = b"".join(compression.decompressed(blob))
        reader = tar.TarReader(iter([data] if data else []))
        while reader.next() is not None:
            pass
        made = Staged(DiffID("sha256:" + hashlib.sha256(data).hexdigest()), data)
        with self._lock:
            self.staged.add(id(made))
        return made

    def drop(self, staged: Staged) -> None:
        with self._lock:
            self.staged.remove(id(staged))

    def sync(self) -> None:
        self.syncs += 1

    def commit(self, parent: ChainID | None, staged: Staged) -> Layer:
        self.drop(staged)
        chain = next_chain(parent, staged.diff_id)
        size = len(staged.data)
        with self._lock:
            self.data[staged.diff_id] = staged.data
            layer = Layer(chain, staged.diff_id, parent, secrets.token_hex(32), size)
            return self.layers.setdefault(chain, layer)

    def open_tar(self, chain: ChainID) -> Iterator[bytes]:
        yield self.data[self.get(chain).diff_id]

    def delete(self, chain: ChainID) -> None:
        with self._lock:
            if chain in self.pinned or any(x.parent == chain for x in self.layers.values()):
                raise Conflict(f"layer {chain} is in use")
            del self.layers[chain]
