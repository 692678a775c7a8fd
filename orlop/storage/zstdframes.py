"""Whether a zstd stream ends where its last frame ends: block headers are read, nothing decoded.

Source: RFC 8878, 3.1 (frames, blocks, skippable frames).
"""

from __future__ import annotations

_MAGIC = b"\x28\xb5\x2f\xfd"
_RLE = 1


class Frames:
    """Fed with the compressed bytes as they pass."""

    def __init__(self) -> None:
        self._skip = 0
        self._head = b""
        self._reading = self._magic
        self._wanted = 4
        self._checksum = False

    @property
    def complete(self) -> bool:
        """Between two frames now."""
        return not self._skip and not self._head and self._reading == self._magic

    def feed(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk):
            if self._skip:
                step = min(self._skip, len(chunk) - at)
                self._skip -= step
                at += step
                continue
            step = self._wanted - len(self._head)
            self._head += chunk[at : at + step]
            at += step
            if len(self._head) >= self._wanted:
                head, self._head = self._head, b""
                self._reading(head)

    def _next(self, reading: object, wanted: int) -> None:
        self._reading = reading  # type: ignore[assignment]
        self._wanted = wanted

    def _magic(self, head: bytes) -> None:
        if head == _MAGIC:
            self._next(self._descriptor, 1)
        else:  # a skippable frame; what is neither, the decoder refuses
            self._next(self._skippable, 4)

    def _skippable(self, head: bytes) -> None:
        self._skip = int.from_bytes(head, "little")
        self._next(self._magic, 4)

    def _descriptor(self, head: bytes) -> None:
        flags = head[0]
        single = flags >> 5 & 1
        self._checksum = bool(flags & 4)
        content = (single, 2, 4, 8)[flags >> 6]
        self._skip = (0 if single else 1) + (0, 1, 2, 4)[flags & 3] + content
        self._next(self._block, 3)

    def _block(self, head: bytes) -> None:
        value = int.from_bytes(head, "little")
        last, kind, size = value & 1, value >> 1 & 3, value >> 3
        self._skip = 1 if kind == _RLE else size
        if last:
            self._skip += 4 if self._checksum else 0
            self._next(self._magic, 4)
