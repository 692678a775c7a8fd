"""The two forms of a log on disk, as its readers need them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orlop.scribe import decode, entries, logfiles, parse
from orlop.scribe.decode import Run
from orlop.scribe.logfiles import LogPart


@dataclass(frozen=True, slots=True)
class Codec:
    decode: Callable[[bytes, int], Iterator[Run]]  # whole records, not older than a time
    blocks: Callable[[LogPart, bytes], Iterator[bytes]]  # whole records, a begun one last, alone
    is_whole: Callable[[bytes], bool]  # of a block
    count: Callable[[bytes], int]  # records in a block
    tail: Callable[[int, int], tuple[int, int]]  # (fd, n): (found, where the last n begin)


def skip_to_tail(parts: list[LogPart], count: int, codec: Codec) -> list[LogPart]:
    """Position the parts so that reading them gives the last `count` records; closes the rest."""
    wanted = count
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if part.compressed:
            total = sum(codec.count(block) for block in codec.blocks(part, b""))
            part.rewind()
            part.skip = max(0, total - wanted)
            wanted -= min(total, wanted)
        else:
            found, offset = codec.tail(part.fd, wanted)
            os.lseek(part.fd, offset, os.SEEK_SET)
            wanted -= found
        if wanted <= 0:
            for older in parts[:index]:
                older.close()
            return parts[index:]
    return parts


def _frames_tail(fd: int, wanted: int) -> tuple[int, int]:
    at, found = os.fstat(fd).st_size, 0
    while found < wanted and at >= entries.FRAME:
        begin = at - int.from_bytes(os.pread(fd, 4, at - 4), "big") - entries.FRAME
        if begin < 0 or os.pread(fd, 4, begin) != os.pread(fd, 4, at - 4):
            return _forward_tail(fd, wanted)  # the last record is being written, or damaged
        at, found = begin, found + 1
    return found, at


def _forward_tail(fd: int, wanted: int) -> tuple[int, int]:
    places: list[int] = []
    at = 0
    rest = b""
    while data := os.pread(fd, logfiles.BLOCK, at + len(rest)):
        rest += data
        end, goes_on = entries.whole(rest)
        place = 0
        while place < end:
            places.append(at + place)
            place += int.from_bytes(rest[place : place + 4], "big") + entries.FRAME
        at, rest = at + end, rest[end:]
        if not goes_on:
            break
    begin = max(0, len(places) - wanted)
    return len(places) - begin, (places[begin] if begin < len(places) else at)


JSON = Codec(
    decode.decode,
    logfiles.blocks,
    lambda block: block.endswith(b"\n"),
    lambda block: block.count(b"\n"),
    logfiles.tail_offset,
)
LOCAL = Codec(
    parse.decode,
    parse.blocks,
    lambda block: entries.whole(block)[0] > 0,
    entries.LocalRecords.count,
    _frames_tail,
)
