"""Records of Docker's `local` log driver back to entries, and to runs for a client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from orlop.scribe import entries
from orlop.scribe.decode import Run
from orlop.scribe.entries import FRAME, whole
from orlop.scribe.logfiles import LogPart


class Entry(NamedTuple):
    source: str
    time_ns: int
    line: bytes  # without its newline
    partial: tuple[str, int, bool] | None  # (id, ordinal, last) of a piece of a longer line


def parse(data: bytes) -> Iterator[Entry]:
    """The entries of the whole records. One that is no LogEntry is passed over."""
    at, size = 0, len(data)
    while size - at >= FRAME:
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > size:
            return  # torn
        try:
            yield _entry(data, at + 4, end)
        except (ValueError, IndexError):
            pass
        at = end + 4


def _entry(data: bytes, at: int, end: int) -> Entry:
    source, time_ns, line = "", 0, b""
    partial: tuple[str, int, bool] | None = None
    for field, value in _fields(data, at, end):
        if field == 1 and isinstance(value, bytes):
            source = value.decode("utf-8", "replace")
        elif field == 2 and isinstance(value, int):
            time_ns = value
        elif field == 3 and isinstance(value, bytes):
            line = value
        elif field == 4 and value:
            partial = partial or ("", 0, False)
        elif field == 5 and isinstance(value, bytes):
            partial = _metadata(value)
    return Entry(source, time_ns, line, partial)


def _metadata(data: bytes) -> tuple[str, int, bool]:
    name, ordinal, last = "", 0, False
    for field, value in _fields(data, 0, len(data)):
        if field == 1:
            last = bool(value)
        elif field == 2 and isinstance(value, bytes):
            name = value.decode("utf-8", "replace")
        elif field == 3 and isinstance(value, int):
            ordinal = value
    return name, ordinal, last


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int | bytes]]:
    """(field, value). Raises ValueError, IndexError for what is no message."""
    while at < end:
        tag = data[at]
        number = data[at + 1]
        at += 2
        if number > 0x7F:
            number, at = _varint(data, at - 1)
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, number
        elif kind == 2:
            if at + number > end:
                raise ValueError("a field is longer than its message")
            yield tag >> 3, data[at : at + number]
            at += number
        else:
            raise ValueError(f"wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError("a number is too long")


def decode(buffer: bytes, since_ns: int = 0) -> Iterator[Run]:
    """The runs in whole records: lines of one time together."""
    at, size = 0, len(buffer)
    while size - at >= FRAME:
        end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
        if end + 4 > size:
            return  # torn
        entry = next(parse(buffer[at : end + 4]), None)
        at, begin = end + 4, at
        if entry is None:
            continue
        if entry.partial is not None:
            if entry.time_ns >= since_ns:
                ending = b"\n" if entry.partial[2] else b""
                yield Run(entry.source, entry.time_ns, entry.line + ending, 1, b"")
            continue
        head = entries.head(entry.source, entry.time_ns)
        lines = [entry.line]
        if buffer.startswith(head, begin + 4):
            at = _same(buffer, at, head, lines)
        if entry.time_ns >= since_ns:
            yield _run(entry[:2], lines)


def _same(buffer: bytes, at: int, head: bytes, lines: list[bytes]) -> int:
    """Take the whole lines that follow with the same head; where the first other record is."""
    size, skip = len(buffer), 4 + len(head)
    while buffer.startswith(head, at + 4):
        end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
        place = at + skip
        if end + 4 > size:
            return at  # torn
        if place == end:
            lines.append(b"")
        elif end - place < 2 or buffer[place] != 0x1A:
            return at
        else:
            length, place = buffer[place + 1], place + 2
            if length > 0x7F:
                length, place = length & 0x7F | buffer[place] << 7, place + 1
            if place + length != end:  # a piece of a line, or a length of three bytes
                return at
            lines.append(buffer[place:end])
        at = end + 4
    return at


def _run(key: tuple[str, int], lines: list[bytes]) -> Run:
    return Run(key[0], key[1], b"\n".join((*lines, b"")), len(lines), b"")


def blocks(part: LogPart, rest: bytes = b"") -> Iterator[bytes]:
    """Whole records, in blocks; a begun one comes last, alone. Nothing is read past damage."""
    while data := part.read():
        rest += data
        end, goes_on = whole(rest)
        block, rest = rest[:end], rest[end:]
        if part.skip:
            block = _skip(part, block)
        if block:
            yield block
        if not goes_on:
            return
    if rest:
        yield rest


def _skip(part: LogPart, block: bytes) -> bytes:
    at = 0
    while part.skip and at < len(block):
        at += int.from_bytes(block[at : at + 4], "big") + FRAME
        part.skip -= 1
    return block[at:]
