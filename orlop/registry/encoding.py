"""Bodies that a server or a proxy on the way packed, though it was asked not to.

Source: RFC 9110, 8.4 (Content-Encoding).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from urllib3.response import BaseHTTPResponse

from orlop.registry.failure import RegistryFailure

_CHUNK = 64 << 10


def unpacked(answer: BaseHTTPResponse) -> Callable[[int], bytes]:
    """`read(size)`: the next bytes of the content, b"" at its end; never more than `size`.

    Raises RegistryFailure for what is not gzip; reading does, and HTTPError.
    """
    kind = answer.headers.get("Content-Encoding", "").strip().lower()
    if kind in ("", "identity"):
        return answer.read
    if kind not in ("gzip", "x-gzip"):
        raise RegistryFailure(f"unexpected Content-Encoding from the registry: {kind[:40]!r}")
    unpacker = zlib.decompressobj(31)

    def read(size: int) -> bytes:
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or answer.read(_CHUNK)
            if not packed:
                raise RegistryFailure("unexpected EOF", temporary=True)
            try:
                data = unpacker.decompress(packed, size)
            except zlib.error as error:
                raise RegistryFailure(f"invalid gzip data from the registry: {error}") from None
            if data:
                return data
        return b""

    return read


def read_up_to(answer: BaseHTTPResponse, limit: int) -> bytes:
    """The content, or its first `limit` bytes. Raises RegistryFailure, HTTPError."""
    read = unpacked(answer)
    data = bytearray()
    while len(data) < limit and (more := read(limit - len(data))):
        data += more
    return bytes(data)
