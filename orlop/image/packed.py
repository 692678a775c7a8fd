"""A layer's compressed blob: the kept one, or packed anew into the same bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import BinaryIO

from orlop.errors import NotFound
from orlop.image.images import Images
from orlop.image.packing import Packing
from orlop.oci.digest import ChainID, DiffID, Digest

_lock = threading.Lock()
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def packed(images: Images, chain: ChainID) -> tuple[Digest, int]:
    """(digest, size) of what the layer packs to; packs it when nobody knows. NotFound, OSError."""
    known = images.blobs.of(images.layers.get(chain).diff_id)
    if known is not None:
        return known
    digest, size, file = _pack(images, chain)
    file.close()
    images.blobs.trim()
    return digest, size


def open_packed(images: Images, digest: Digest) -> BinaryIO:
    """The bytes of a blob that is kept, or that one of our layers packs to. Raises NotFound."""
    kept = images.blobs.open(digest)
    if kept is not None:
        return kept
    diff = images.blobs.diff_of(digest)
    chain = _chain_of(images, diff) if diff is not None else None
    if diff is None or chain is None:
        raise NotFound(f"blob unknown: {digest}")
    with _lock:
        turn = _turns[diff]
    with turn:
        kept = images.blobs.open(digest)
        if kept is not None:
            return kept
        made, _, file = _pack(images, chain)
    images.blobs.trim()
    if made != digest:
        file.close()
        raise NotFound(f"blob unknown: {digest}")
    return file


def size_of(images: Images, digest: Digest) -> int | None:
    """None for a blob that is neither kept nor can be packed again."""
    size = images.blobs.size(digest)
    if size is not None:
        return size
    diff = images.blobs.diff_of(digest)
    if diff is None or _chain_of(images, diff) is None:
        return None
    known = images.blobs.of(diff)
    return known[1] if known is not None else None


def _pack(images: Images, chain: ChainID) -> tuple[Digest, int, BinaryIO]:
    """Pack, keep, note; the file is open, so that nothing takes it away."""
    incoming = images.blobs.new(hashing=False)
    try:
        with images.holding([chain]):
            packing = Packing(images.layers.open_tar(chain), incoming.write)
            for _ in packing:
                pass
    except BaseException:
        incoming.drop()
        raise
    file = incoming.path.open("rb", buffering=0)
    digest = images.blobs.commit(incoming, digest=packing.digest)
    images.blobs.note(images.layers.get(chain).diff_id, digest, packing.size)
    return digest, packing.size, file


def _chain_of(images: Images, diff: DiffID) -> ChainID | None:
    for layer in images.layers.all():
        if layer.diff_id == diff:
            return layer.chain_id
    return None
