"""Pack a layer into the blob that registries get: always the same bytes for the same layer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from isal import isal_zlib

from orlop.oci.digest import Digest

LEVEL = 2  # of isal: 3.5 times faster than zlib 3 at nearly its ratio


class Packing:
    """Iterate over it once: gzip without name and time. `digest` and `size` grow meanwhile."""

    def __init__(self, plain: Iterator[bytes], tap: Callable[[bytes], None] | None = None) -> None:
        self._plain = plain
        self._tap = tap
        self._hash = hashlib.sha256()
        self.read = 0  # plain bytes
        self.size = 0

    @property
    def digest(self) -> Digest:
        return Digest("sha256:" + self._hash.hexdigest())

    def __iter__(self) -> Iterator[bytes]:
        coder = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, 31)
        for plain in self._plain:
            self.read += len(plain)
            data = coder.compress(plain)
            if data:
                yield self._count(data)
        yield self._count(coder.flush())

    def _count(self, data: bytes) -> bytes:
        self._hash.update(data)
        self.size += len(data)
        if self._tap is not None:
            self._tap(data)
        return data
