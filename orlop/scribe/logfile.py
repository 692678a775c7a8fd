"""The log of one container, json-file or local: append, rotate, compress, survive a full disk.

The scribe is its only writer. It is opened to append and measured before each append, so that an
administrator may truncate it. A record is on file whole or not at all.
"""

from __future__ import annotations

import os

from orlop.scribe import compress, encode, entries, position

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.scribe.poller import Poller

    Records = entries.LocalRecords | encode.JsonRecords

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o640
_CLOCK_TICK = 10_000_000  # ns by which a file's time may lie before that of its last record
_CLOCK = encode.Clock()


class LogFile:
    """`max_size` 0: never rotated. Nothing here raises: what cannot be logged is counted."""

    __slots__ = (
        "_compress",
        "_dropped",
        "_fd",
        "_position",
        "_reason",
        "_squeeze",
        "_unsent",
        "max_file",
        "max_size",
        "path",
        "records",
    )

    def __init__(
        self,
        poller: Poller,
        path: str,
        *,
        max_size: int,
        max_file: int,
        compress_: bool,
        local: bool = False,
        position: str = "",
    ):
        """`local`: in the format of that driver, else json-file's. `position`: of the courier that
        sends the records elsewhere (position.py)."""
        self.path = path
        self.records: type[Records] = entries.LocalRecords if local else encode.JsonRecords
        self.max_size = max_size
        self.max_file = max_file
        self._compress = compress_ and max_file > 1
        self._squeeze = compress.Squeeze(poller, path, max_file) if self._compress else None
        self._fd = -1
        self._dropped = 0
        self._reason = ""
        self._position = position
        self._unsent: tuple[int, int] | None = None  # when what nobody will send was written
        self._open()

    def _open(self) -> None:
        try:
            self._fd = os.open(self.path, _FLAGS, _MODE)
        except OSError as error:
            self._reason = error.strerror or ""

    def repair(self, fresh: bool) -> None:
        """Finish what was left half done; at a container's start (`fresh`), also end a record that
        a power cut left without its newline.
        """
        if self._squeeze is not None:
            self._squeeze.sweep()
        if not fresh:
            return
        try:
            size = self.size()
            with open(self.path, "rb", buffering=0) as reader:
                if self.records is entries.LocalRecords:
                    self._cut_torn(reader.fileno(), size)
                elif size and os.pread(reader.fileno(), 1, size - 1) != b"\n":
                    os.write(self._fd, b"\n")
        except OSError as error:
            self._reason = error.strerror or ""

    def _cut_torn(self, reader: int, size: int) -> None:
        """Cut off a record that a power cut left without its end: nothing could be read after."""
        length = int.from_bytes(os.pread(reader, 4, max(0, size - 4)), "big")
        begin = size - length - 8
        if not size or (begin >= 0 and os.pread(reader, 4, begin) == length.to_bytes(4, "big")):
            return
        end, rest = 0, b""
        while data := os.read(reader, 1 << 18):
            rest += data
            done, goes_on = entries.whole(rest)
            end, rest = end + done, rest[done:]
            if not goes_on:
                break
        self.truncate(end)

    def size(self) -> int:
        """-1 when there is no file."""
        try:
            return os.lseek(self._fd, 0, os.SEEK_END)
        except OSError:
            return -1

    def truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            self._reason = error.strerror or ""

    def room(self) -> int | None:
        """Bytes until the log is full, after rotating a full one; None when it never is.

        As Docker, a record is written while the file is below its limit, so it may go past it.
        """
        if not self.max_size:
            return None
        size = self.size()
        if size >= self.max_size:
            self._rotate()
            size = self.size()
        return max(1, self.max_size - size)

    def notice(self, time_ns: int) -> bytes:
        """A record that tells what could not be logged or sent, to be put before the next one."""
        text = ""
        if self._dropped:
            text = f"orlop: {self._dropped} log records were dropped: {self._reason}\n"
        if self._unsent:
            begin, end = (_CLOCK.format(ns).decode() for ns in self._unsent)
            since = f"after {begin} and " if self._unsent[0] else ""
            text += (
                f"orlop: log records {since}up to {end} were not sent: "
                "the server was away for longer than the cache holds\n"
            )
        return self.records("stderr").lines(text.encode(), time_ns) if text else b""

    def append(self, start: int, notice: bytes, records: bytes) -> None:
        """Append to the file, `start` bytes long, all or nothing."""
        if self._fd < 0:
            self._open()
        if self._fd < 0:
            self._dropped += self.records.count(records)
            return
        data = memoryview(notice + records if notice else records)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:  # full, over quota, read-only, broken
            self.truncate(max(start, 0))
            self._dropped += self.records.count(records)
            self._reason = error.strerror or ""
            return
        if notice:
            self._dropped = 0
            self._unsent = None

    def _rotate(self) -> None:
        """Start a new file; when that fails the old one grows on. A killed rotation is finished."""
        fresh = self.path + ".new"
        try:
            fd = os.open(fresh, _FLAGS | os.O_TRUNC, _MODE)
        except OSError as error:
            self._reason = error.strerror or ""
            return
        try:
            if self.max_file == 1:
                self._forsake(self.path)
            elif not _same(self.path, self.path + ".1"):
                self._shift()
                os.link(self.path, self.path + ".1")
            os.rename(fresh, self.path)
        except OSError as error:
            self._reason = error.strerror or ""
            os.close(fd)
            return
        os.close(self._fd)
        self._fd = fd
        if self._squeeze is not None:
            self._squeeze.begin()

    def _shift(self) -> None:
        """Free `.1`: move each older file up by one, the oldest out."""
        last = self.max_file - 1
        gap = next((n for n in range(1, last + 1) if not _either(self.path, n)), None)
        if gap is None:
            for name in _either(self.path, last):
                self._forsake(name)
                os.unlink(name)
            gap = last
        for number in range(gap - 1, 0, -1):
            for name in _either(self.path, number):
                suffix = ".gz" if name.endswith(".gz") else ""
                os.rename(name, f"{self.path}.{number + 1}{suffix}")

    def _forsake(self, name: str) -> None:
        """A file goes: did the courier have it? What it is at, it holds open."""
        known = position.look(self._position) if self._position else None
        if known is None:
            return
        at, _, last_ns = known
        status = os.stat(name)
        newer = [self.path, *(f"{self.path}.{n}" for n in range(1, self.max_file - 1))]
        if at in (status.st_ino, *map(_inode, newer)):
            return
        if last_ns + _CLOCK_TICK < status.st_mtime_ns:
            begin = self._unsent[0] if self._unsent else last_ns
            self._unsent = (begin, status.st_mtime_ns)

    def reopen(self) -> None:
        """Go on in whatever is at the path now."""
        self.close()
        self._open()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _either(path: str, number: int) -> list[str]:
    """Those of `.N` and `.N.gz` that exist."""
    names = (f"{path}.{number}", f"{path}.{number}.gz")
    return [name for name in names if os.path.lexists(name)]


def _inode(name: str) -> int:
    try:
        return os.stat(name).st_ino
    except OSError:
        return 0


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
