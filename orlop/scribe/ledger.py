"""What the scribe has in hand, kept where a kill -9 of it cannot lose it.

The keeper owns a ledger for each scribe: a memory file and a pipe, the *stage*. Bytes leave a FIFO
by splice(2) into the stage (the kernel keeps the count), go from there into the ledger's buffer,
then as records into the log. The ledger says at every instant which of these steps is under way,
in words that are stored with one instruction each, so that the next scribe goes on exactly there.

      IDLE     nothing in hand: the stage is empty
      MOVING   slot: what the stage holds is the slot's                    (splice)
      LOADED   slot, n, off: n bytes in buffer + stage; `off` of them are logged (read)
      WRITING  slot, start, length, next, stamp: records of `length` bytes are being appended to a
               log that was `start` bytes long; once there, `off` becomes `next`
      CLOSING  slot, carry: the rest, not yet a whole line, was put aside as the slot's new carry

A slot belongs to one logged stream. Its carry is the begun line (< 16 KiB), in one of two areas so
that the old one stays until the new one counts; its stamp is the time of the begun partial line.
"""

from __future__ import annotations

import mmap
import os

from orlop.kernel import memfd, pipes

SHARE = 65536  # bytes of one stream in one turn
LINE = 16384  # Docker's longest log record; a carry is always shorter
SLOTS = 32768

IDLE, MOVING, LOADED, WRITING, CLOSING = range(5)

_PAGE = 4096
_SLOT_WORDS = 2
_TABLE = _PAGE + SHARE
_CARRIES = _TABLE + SLOTS * _SLOT_WORDS * 8
_AREA = LINE
SIZE = _CARRIES + SLOTS * 2 * _AREA

_STATE, _COUNT, _OFFSET, _START, _LENGTH, _NEXT, _STAMP, _CARRY = range(8)
_LENGTH_MASK = 0xFFFFFFFF


def create() -> tuple[int, int, int]:
    """(memory file, stage's read end, stage's write end): the keeper's to keep."""
    fd = memfd.fixed("orlop-ledger", SIZE)
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    return fd, reader, writer


class Ledger:
    """The scribe's view of it."""

    __slots__ = ("_buffer", "_fd", "_map", "_reader", "_table", "_turn", "_writer")

    def __init__(self, fd: int, reader: int, writer: int) -> None:
        self._fd = fd
        self._reader = reader
        self._writer = writer
        self._map = mmap.mmap(fd, _CARRIES)
        view = memoryview(self._map)
        self._turn = view[:_PAGE].cast("Q")
        self._buffer = view[_PAGE:_TABLE]
        self._table = view[_TABLE:_CARRIES].cast("Q")
        for page in range(0, SHARE, _PAGE):  # present, so that read(2) into it never stops short
            self._buffer[page] = self._buffer[page]

    def fds(self) -> list[int]:
        return [self._fd, self._reader, self._writer]

    @property
    def state(self) -> tuple[int, int]:
        """(step, slot)."""
        word = self._turn[_STATE]
        return word & 0xFF, word >> 8

    def take(self, slot: int, fifo: int) -> bytes | None:
        """Bytes of `fifo`, now in hand; b"" at its end, None when it is empty for now."""
        turn = self._turn
        turn[_STATE] = MOVING | slot << 8
        try:
            count = pipes.move(fifo, self._writer, SHARE)
        except BlockingIOError:
            turn[_STATE] = IDLE
            return None
        if not count:
            turn[_STATE] = IDLE
            return b""
        return self._load(slot, count)

    def hold(self, slot: int, data: bytes) -> None:
        """Bytes that were read already (a terminal's)."""
        turn = self._turn
        self._buffer[: len(data)] = data
        turn[_COUNT] = len(data)
        turn[_OFFSET] = 0
        turn[_STATE] = LOADED | slot << 8

    def _load(self, slot: int, count: int) -> bytes:
        turn = self._turn
        turn[_COUNT] = count
        turn[_OFFSET] = 0
        turn[_STATE] = LOADED | slot << 8
        return self._fill(0, count)

    def _fill(self, have: int, count: int) -> bytes:
        while have < count:
            have += os.readv(self._reader, [self._buffer[have:count]])
        return bytes(self._buffer[:count])

    def writing(self, slot: int, start: int, length: int, after: int, stamp: int) -> None:
        """About to append; `after` and `stamp` hold once the records are in the log."""
        turn = self._turn
        turn[_START] = start
        turn[_LENGTH] = length
        turn[_NEXT] = after
        turn[_STAMP] = stamp
        turn[_STATE] = WRITING | slot << 8

    def written(self, slot: int) -> None:
        """The records are in the log (or given up): the carry went with them."""
        turn = self._turn
        self._table[slot * _SLOT_WORDS] &= ~_LENGTH_MASK
        self._table[slot * _SLOT_WORDS + 1] = turn[_STAMP]
        turn[_OFFSET] = turn[_NEXT]
        turn[_STATE] = LOADED | slot << 8

    def finish(self, slot: int, carry: bytes) -> None:
        """Nothing is in hand any more but `carry`, the begun line."""
        turn = self._turn
        index = slot * _SLOT_WORDS
        word = self._table[index]
        if carry or word & _LENGTH_MASK:
            area = 1 - (word >> 32)
            if carry:
                os.pwrite(self._fd, carry, _CARRIES + (slot * 2 + area) * _AREA)
            turn[_CARRY] = len(carry) | area << 32
            turn[_STATE] = CLOSING | slot << 8
            self._table[index] = turn[_CARRY]
        turn[_STATE] = IDLE

    def carry(self, slot: int) -> bytes:
        word = self._table[slot * _SLOT_WORDS]
        length = word & _LENGTH_MASK
        if not length:
            return b""
        return os.pread(self._fd, length, _CARRIES + (slot * 2 + (word >> 32)) * _AREA)

    def stamp(self, slot: int) -> int:
        """Time (ns) of the first piece of the line that was begun in pieces; 0 without one."""
        return self._table[slot * _SLOT_WORDS + 1]

    def release(self, slot: int) -> None:
        """The stream is at its end: the slot may be given to another."""
        self._table[slot * _SLOT_WORDS] = 0
        self._table[slot * _SLOT_WORDS + 1] = 0
        memfd.punch(self._fd, _CARRIES + slot * 2 * _AREA, 2 * _AREA)

    def recover(self, size_of: int) -> tuple[bytes, int]:
        """What a killed scribe had in hand, for the slot of `state`: (bytes, how many are logged).

        `size_of`: the size of that slot's log now; -1 without one. When records were only partly
        appended, `torn` tells from where on the log is to be cut before going on.
        """
        turn = self._turn
        step, slot = self.state
        if step == CLOSING:
            self._table[slot * _SLOT_WORDS] = turn[_CARRY]
            turn[_STATE] = IDLE
            return b"", 0
        if step == MOVING:
            count = pipes.unread(self._reader)
            if not count:
                turn[_STATE] = IDLE
                return b"", 0
            return self._load(slot, count), 0
        if step == WRITING:
            if size_of == turn[_START] + turn[_LENGTH]:
                self.written(slot)
            else:
                turn[_STATE] = LOADED | slot << 8
        count = turn[_COUNT]
        return self._fill(count - pipes.unread(self._reader), count), turn[_OFFSET]

    def torn(self) -> int | None:
        """Where the records begin that a killed scribe may have appended in part."""
        step, _ = self.state
        return self._turn[_START] if step == WRITING else None

    def appended(self) -> int:
        """How long the log is once those records are whole."""
        return self._turn[_START] + self._turn[_LENGTH]

    def abandon(self) -> None:
        """Drop what is in hand: its stream is gone."""
        count = pipes.unread(self._reader)
        while count:
            count -= len(os.read(self._reader, count))
        self._turn[_STATE] = IDLE
