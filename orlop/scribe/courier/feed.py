"""The records of a spool from where the last courier stopped, as they come."""

from __future__ import annotations

import os
from collections.abc import Iterator

from orlop.scribe import position as positions
from orlop.scribe.codec import LOCAL
from orlop.scribe.follow import Follow
from orlop.scribe.logfiles import LogPart, open_parts
from orlop.scribe.parse import Entry, parse
from orlop.scribe.readlog import Form


class Feed(Follow):
    """Iterate `batches`; when the next one is asked for, the last one counts as sent."""

    def __init__(self, path: str, position: str) -> None:
        super().__init__(path, Form(), codec=LOCAL)
        self._position = os.open(position, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._inode, self._offset, self._last_ns = positions.read(self._position) or (0, 0, 0)

    def batches(self) -> Iterator[list[Entry]]:
        stop_watching = self._watch()
        parts = self._resume(open_parts(self._path))
        try:
            while len(parts) > 1:
                yield from self._some(parts[0], [b""])
                parts.pop(0).close()
                self._enter(parts[0])
            for part, rest in self._grow(parts):
                yield from self._some(part, rest)
        finally:
            stop_watching()
            for part in parts:
                part.close()
            os.close(self._position)

    def _resume(self, parts: list[LogPart]) -> list[LogPart]:
        known = next((i for i, part in enumerate(parts) if part.inode == self._inode), None)
        if known is None:  # removed or compressed meanwhile: times tell
            self._since_ns = self._last_ns + 1 if self._last_ns else 0
            if parts:
                self._enter(parts[0])
            return parts
        for part in parts[:known]:
            part.close()
        parts = parts[known:]
        if os.fstat(parts[0].fd).st_size < self._offset:
            self._offset = 0  # truncated, by an administrator
        os.lseek(parts[0].fd, self._offset, os.SEEK_SET)
        return parts

    def _enter(self, part: LogPart) -> None:
        self._inode, self._offset = part.inode, 0
        positions.write(self._position, self._inode, 0, self._last_ns)

    def _some(self, part: LogPart, rest: list[bytes]) -> Iterator[list[Entry]]:
        if os.fstat(part.fd).st_size < self._offset:
            self._offset = 0
        for block in self._news(part, rest):
            entries = [e for e in parse(block) if e.time_ns >= self._since_ns]
            if entries:
                yield entries
                self._last_ns = max(self._last_ns, entries[-1].time_ns)
            if self._closed:
                return
            self._offset += len(block)
            positions.write(self._position, self._inode, self._offset, self._last_ns)
