"""Unpack layers side by side, then stack them: all or none.

Each layer is unpacked by a worker of its own while others still download; one sync makes all of
them durable; then they are committed bottom first. Nothing is visible before that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

from orlop.errors import InvalidArgument
from orlop.image.images import Images
from orlop.image.model import Layer, LayerStore, Staged
from orlop.oci.digest import ChainID, DiffID, next_chain
from orlop.storage.compression import Reader

_workers = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


def stage_file(layers: LayerStore, blob: BinaryIO, expect: DiffID | None, index: int) -> Staged:
    """Unpack an open file. Raises InvalidArgument when its diff ID is not `expect`."""
    with _workers:
        staged: Staged = layers.stage(blob)
    if expect is not None and staged.diff_id != expect:
        layers.drop(staged)
        raise InvalidArgument(
            f'invalid diffID for layer {index}: expected "{expect}", got "{staged.diff_id}"'
        )
    return staged


class Stack:
    """The missing layers of one image while they are being made.

    Use as a context manager: what was staged and not committed is dropped.
    """

    def __init__(self, images: Images, base: ChainID | None) -> None:
        self._layers = images.layers
        self._base = base
        self._staged: dict[int, Staged] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            left, self._staged = list(self._staged.values()), {}
        for staged in left:
            with suppress(OSError):
                self._layers.drop(staged)

    def put(self, index: int, staged: Staged) -> None:
        with self._lock:
            self._staged[index] = staged

    def commit(
        self, diffs: Sequence[DiffID], on_layer: Callable[[int, Layer], Any] = lambda *_: None
    ) -> ChainID | None:
        """Make everything durable and visible, bottom first; returns the top's chain ID."""
        chain = self._base
        if diffs:
            self._layers.sync()
        for index, diff in enumerate(diffs):
            with self._lock:
                staged = self._staged.pop(index, None)
            above = next_chain(chain, diff)
            if staged is not None:
                on_layer(index, self._layers.commit(chain, staged))
            chain = above
        return chain


def missing_from(layers: LayerStore, chains: Sequence[ChainID]) -> int:
    """How many layers at the bottom are there already."""
    for index, chain in enumerate(chains):
        if not layers.has(chain):
            return index
    return len(chains)


def reader(chunks: Iterator[bytes]) -> BinaryIO:
    """A stream over an iterator, for the worker's input."""
    return cast(BinaryIO, Reader(chunks))
