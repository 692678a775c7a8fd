"""Records of Docker's `local` log driver: protobuf messages between their lengths.

    length (4 bytes, big endian) · LogEntry · length again

    LogEntry: 1 source, 2 time_nano, 3 line (without its newline), 4 partial, 5 metadata
    metadata: 1 last, 2 id, 3 ordinal

Source: moby's api/types/plugins/logdriver/entry.proto and files that dockerd 28.5 wrote.
"""

from __future__ import annotations

LONGEST = 1 << 20  # bytes of an entry; more is damage
FRAME = 8  # both lengths


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(tag: int, data: bytes) -> bytes:
    return bytes((tag,)) + varint(len(data)) + data


def head(source: str, time_ns: int) -> bytes:
    """How the entries of one stream and time begin."""
    return _text(0x0A, source.encode()) + b"\x10" + varint(time_ns)


class LocalRecords:
    """Makes the records of one stream of a process that `key` names."""

    __slots__ = ("_key", "_source")

    def __init__(self, stream: str, _attributes: bytes = b"", key: str = "") -> None:
        self._source = _text(0x0A, stream.encode())
        self._key = key

    def lines(self, data: bytes, time_ns: int) -> bytes:
        """Records of whole lines: `data` ends with a newline."""
        start = self._source + b"\x10" + varint(time_ns)
        known: dict[int, tuple[bytes, bytes]] = {}
        out: list[bytes] = []
        for line in data[:-1].split(b"\n"):
            size = len(line)
            found = known.get(size)
            if found is None:
                found = known[size] = _around(start, size, b"")
            out += (found[0], line, found[1])
        return b"".join(out)

    def piece(self, data: bytes, time_ns: int, ordinal: int, *, last: bool) -> bytes:
        """One piece of a line; the last one ends with the newline, unless the line never ends."""
        line = data[:-1] if last else data
        name = f"{self._key:.48}{time_ns:016x}".rjust(64, "0")  # all pieces of a line share it
        meta = (b"\x08\x01" if last else b"") + _text(0x12, name.encode())
        meta += b"\x18" + varint(ordinal)
        start = self._source + b"\x10" + varint(time_ns)
        before, after = _around(start, len(line), b"\x20\x01" + _text(0x2A, meta))
        return before + line + after

    @staticmethod
    def count(records: bytes) -> int:
        at = number = 0
        while at < len(records):
            at += int.from_bytes(records[at : at + 4], "big") + FRAME
            number += 1
        return number

    @staticmethod
    def boundary(records: bytes, begin: int, room: int) -> int:
        """Where the record ends that reaches `room` bytes behind `begin`."""
        at = begin
        while at < begin + room:
            at += int.from_bytes(records[at : at + 4], "big") + FRAME
        return at


def _around(head: bytes, size: int, tail: bytes) -> tuple[bytes, bytes]:
    """What comes before and after a line of `size` bytes."""
    before = head + (b"\x1a" + varint(size) if size else b"")
    length = (len(before) + size + len(tail)).to_bytes(4, "big")
    return length + before, tail + length


def whole(data: bytes) -> tuple[int, bool]:
    """(end of the last whole record, whether what follows can still become one)."""
    at, size = 0, len(data)
    while size - at >= 4:
        length = int.from_bytes(data[at : at + 4], "big")
        if not 0 < length <= LONGEST:
            return at, False
        end = at + length + FRAME
        if end > size:
            return at, True
        if data[end - 4 : end] != data[at : at + 4]:
            return at, False
        at = end
    return at, True
