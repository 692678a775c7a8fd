"""The files of one log, oldest first, and where its last lines begin."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator

BLOCK = 1 << 18
_FIRST = 1 << 15  # bytes of a read at first: a client that stops reading holds a block for ever
_WARM = 1 << 20  # bytes after which a reader is known to go on


class LogPart:
    """One file of a log, open; `path.N`, `path.N.gz` or the path itself."""

    __slots__ = ("_machine", "_taken", "compressed", "fd", "inode", "skip")

    def __init__(self, name: str) -> None:
        """Raises FileNotFoundError."""
        self.fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        self.inode = os.fstat(self.fd).st_ino
        self.skip = 0  # records to pass over
        self.compressed = name.endswith(".gz")
        self._machine = zlib.decompressobj(31) if self.compressed else None
        self._taken = 0  # bytes read so far

    def read(self) -> bytes:
        """The next bytes; b"" at the end. A damaged archive ends where the damage begins."""
        size = BLOCK if self._taken >= _WARM else _FIRST
        self._taken += size
        if self._machine is None:
            return os.read(self.fd, size)
        while True:
            data = self._machine.unconsumed_tail or os.read(self.fd, size)
            try:
                out = self._machine.decompress(data, size * 4)
            except zlib.error:
                return b""
            if out or not data:
                return out

    def rewind(self) -> None:
        os.lseek(self.fd, 0, os.SEEK_SET)
        if self.compressed:
            self._machine = zlib.decompressobj(31)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def older_names(path: str) -> list[str]:
    """The rotated files, newest first; of `.N` and `.N.gz` (being compressed) only the first."""
    directory, base = os.path.split(path)
    pattern = re.compile(re.escape(base) + r"\.(\d{1,9})(?:\.gz)?", re.ASCII)
    try:
        found = sorted(
            (int(m[1]), m[0]) for m in map(pattern.fullmatch, os.listdir(directory)) if m
        )
    except FileNotFoundError:
        return []
    names: dict[int, str] = {}
    for number, name in found:
        names.setdefault(number, os.path.join(directory, name))
    return list(names.values())


def open_parts(path: str) -> list[LogPart]:
    """Every file of the log, oldest first; a rotation meanwhile neither repeats nor loses one."""
    newest: list[LogPart] = []
    seen: set[int] = set()
    for name in (path, *older_names(path)):
        try:
            part = LogPart(name)
        except FileNotFoundError:
            continue
        if part.inode in seen:
            part.close()
            continue
        seen.add(part.inode)
        newest.append(part)
    return newest[::-1]


def tail_offset(fd: int, wanted: int) -> tuple[int, int]:
    """(how many records, where they begin): the last `wanted` of a file, or all it has."""
    missing = wanted + 1  # newlines, the last of which ends what is not wanted
    at = os.fstat(fd).st_size
    while at > 0:
        size = min(BLOCK // 4, at)
        at -= size
        block = os.pread(fd, size, at)
        here = block.count(b"\n")
        if here < missing:
            missing -= here
            continue
        place = len(block)
        for _ in range(missing):
            place = block.rfind(b"\n", 0, place)
        return wanted, at + place + 1
    return wanted + 1 - missing, 0


def blocks(part: LogPart, rest: bytes = b"") -> Iterator[bytes]:
    """Whole lines, in blocks; what is behind the last newline comes last, alone."""
    pieces = [rest] if rest else []  # of a line that goes on
    while data := part.read():
        cut = data.rfind(b"\n") + 1
        if not cut:
            pieces.append(data)
            continue
        block = b"".join((*pieces, data[:cut]))
        pieces = [data[cut:]] if cut < len(data) else []
        if part.skip:
            dropped = min(part.skip, block.count(b"\n"))
            part.skip -= dropped
            block = block.split(b"\n", dropped)[dropped]
        if block:
            yield block
    if pieces:
        yield b"".join(pieces)
