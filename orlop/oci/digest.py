"""Digests and chain IDs.

Source: OCI image-spec `descriptor.md` (digest grammar) and `config.md` (ChainID).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NewType

from orlop.errors import InvalidArgument

Digest = NewType("Digest", str)  # "sha256:<64 lowercase hex>" of any bytes
DiffID = NewType("DiffID", str)  # digest of an uncompressed layer tar
ChainID = NewType("ChainID", str)  # digest that names a layer on top of its parents
ImageID = NewType("ImageID", str)  # digest of an image config

# Only sha256 is registered *and* used; the hex part becomes a path, so the match is exact.
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def parse_digest(text: str) -> Digest:
    """Check `text` before it becomes a path or URL. Raises InvalidArgument."""
    if _SHA256.fullmatch(text) is None:
        raise InvalidArgument(f"invalid digest: {text[:100]!r}")
    return Digest(text)


def digest_of(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def hex_of(digest: str) -> str:
    """The 64 hex characters of a checked digest."""
    return digest.split(":", 1)[1]


def next_chain(parent: ChainID | None, diff: DiffID) -> ChainID:
    """chain(0) = diff(0); chain(n) = sha256("chain(n-1) diff(n)")."""
    if parent is None:
        return ChainID(diff)
    return ChainID(digest_of(f"{parent} {diff}".encode()))


def chain_id(diffs: Iterable[DiffID]) -> ChainID | None:
    """Chain ID of a stack of layers given bottom first; None for no layers."""
    chain: ChainID | None = None
    for diff in diffs:
        chain = next_chain(chain, diff)
    return chain
