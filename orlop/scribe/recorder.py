"""One stream into its log, through the ledger: whatever is in hand becomes records, once."""

from __future__ import annotations

from time import time_ns

from orlop.scribe import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.scribe.ledger import Ledger
    from orlop.scribe.logfile import LogFile

_CLOCK = encode.Clock()


class Recorder:
    __slots__ = ("_encoder", "ledger", "log", "slot")

    def __init__(self, ledger: Ledger, slot: int, log: LogFile, stream: str, attrs: bytes) -> None:
        self.ledger = ledger
        self.slot = slot
        self.log = log
        self._encoder = encode.Encoder(stream, attrs)

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
                stamp = stamp or now
                records = self._encoder.piece(text[at:end], _CLOCK.format(stamp))
                self._append(records, shift + end, stamp)
                at = end
                continue
            if stamp:  # this line was begun in pieces: it has their time
                first = text.index(b"\n", at) + 1
                records = self._encoder.lines(text[at:first], _CLOCK.format(stamp))
                stamp = 0
                self._append(records, shift + first, 0)
                at = first
            if at < end:
                self._lines(text[at:end], shift + at, _CLOCK.format(now))
                at = end
        self.ledger.finish(self.slot, text[at:])

    def _lines(self, text: bytes, base: int, stamp: bytes) -> None:
        records = self._encoder.lines(text, stamp)
        done = 0  # of records
        used = 0  # of text
        while done < len(records):
            room = self.log.room()
            end = len(records)
            if room is not None and end - done > room:
                end = records.index(b"\n", done + room - 1) + 1
            if done == 0 and end == len(records):
                self._append(records, base + len(text), 0)
                return
            part = records[done:end]
            rest = text[used:].split(b"\n", part.count(b"\n"))[-1]
            used = len(text) - len(rest)
            self._append(part, base + used, 0)
            done = end

    def _append(self, records: bytes, after: int, stamp: int) -> None:
        log = self.log
        log.room()  # rotates when it is full
        notice = log.notice(_CLOCK.format(time_ns()))
        start = log.size()
        self.ledger.writing(self.slot, max(start, 0), len(notice) + len(records), after, stamp)
        log.append(start, notice, records)
        self.ledger.written(self.slot)

    def end(self) -> None:
        """The stream is over: log the line that was never ended, give the slot back."""
        carry = self.ledger.carry(self.slot)
        if carry:
            stamp = self.ledger.stamp(self.slot) or time_ns()
            self.ledger.hold(self.slot, b"")
            self._append(self._encoder.piece(carry, _CLOCK.format(stamp)), 0, 0)
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
