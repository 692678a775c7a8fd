"""One stream into its log, through the ledger: whatever is in hand becomes records, once."""

from __future__ import annotations

from time import time_ns

from orlop.scribe import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.scribe.ledger import Ledger
    from orlop.scribe.logfile import LogFile

# A begun line's stamp in the ledger: its time, the lowest bits the number of its next piece.
_PIECES = 0x3FF


def _begun(now: int) -> int:
    return now & ~_PIECES | 1


def _following(stamp: int) -> int:
    return stamp + 1 if stamp & _PIECES < _PIECES else stamp


class Recorder:
    __slots__ = ("_records", "ledger", "log", "slot")

    def __init__(
        self,
        ledger: Ledger,
        slot: int,
        log: LogFile,
        stream: str,
        attrs: bytes,
        key: str = "",
    ) -> None:
        """`attrs`: a JSON object or b""; `key` names the process, for pieces of its lines."""
        self.ledger = ledger
        self.slot = slot
        self.log = log
        self._records = log.records(stream, attrs, key)

    def settle(self, data: bytes, offset: int = 0) -> None:
        """Log the whole lines of `data`, what the ledger holds; keep the begun one.

        `offset`: how much of it a killed scribe logged already.
        """
        carry = self.ledger.carry(self.slot)
        text = carry + data[offset:] if carry or offset else data
        shift = offset - len(carry)  # from a place in `text` to one in `data`
        stamp = self.ledger.stamp(self.slot)
        now = time_ns()
        at = 0
        for end, whole in encode.cut(text):
            if not whole:
                stamp = stamp or _begun(now)
                records = self._piece(text[at:end], stamp, last=False)
                stamp = _following(stamp)
                self._append(records, shift + end, stamp)
                at = end
                continue
            if stamp:  # this line was begun in pieces: it has their time
                first = text.index(b"\n", at) + 1
                records = self._piece(text[at:first], stamp, last=True)
                stamp = 0
                self._append(records, shift + first, 0)
                at = first
            if at < end:
                self._lines(text[at:end], shift + at, now)
                at = end
        self.ledger.finish(self.slot, text[at:])

    def _piece(self, text: bytes, stamp: int, *, last: bool) -> bytes:
        return self._records.piece(text, stamp & ~_PIECES, stamp & _PIECES, last=last)

    def _lines(self, text: bytes, base: int, now: int) -> None:
        records = self._records.lines(text, now)
        done = 0  # of records
        used = 0  # of text
        while done < len(records):
            room = self.log.room()
            end = len(records)
            if room is not None and end - done > room:
                end = self._records.boundary(records, done, room)
            if done == 0 and end == len(records):
                self._append(records, base + len(text), 0)
                return
            part = records[done:end]
            rest = text[used:].split(b"\n", self._records.count(part))[-1]
            used = len(text) - len(rest)
            self._append(part, base + used, 0)
            done = end

    def _append(self, records: bytes, after: int, stamp: int) -> None:
        log = self.log
        log.room()  # rotates when it is full
        notice = log.notice(time_ns())
        start = log.size()
        self.ledger.writing(self.slot, max(start, 0), len(notice) + len(records), after, stamp)
        log.append(start, notice, records)
        self.ledger.written(self.slot)

    def end(self) -> None:
        """The stream is over: log the line that was never ended, give the slot back."""
        carry = self.ledger.carry(self.slot)
        if carry:
            stamp = self.ledger.stamp(self.slot) or _begun(time_ns())
            self.ledger.hold(self.slot, b"")
            self._append(self._piece(carry, stamp, last=False), 0, 0)
            self.ledger.finish(self.slot, b"")
        self.ledger.release(self.slot)

    def recover(self) -> None:
        """Go on where a killed scribe stopped, with this slot in hand."""
        torn = self.ledger.torn()
        size = self.log.size()
        if torn is not None and size > torn and size != self.ledger.appended():
            self.log.truncate(torn)
        data, offset = self.ledger.recover(size)
        if data or self.ledger.state[0]:
            self.settle(data, offset)
