"""What a container wrote, as records of Docker's json-file format.

    {"log":"line\\n","stream":"stdout","attrs":{…},"time":"2026-11-24T09:12:00.123456789Z"}

Strings are escaped as by Go's jsonlog: control characters but \\n and \\r as \\u00XX, also `<`,
`>`, `&`, U+2028 and U+2029; each byte that is not valid UTF-8 as \\ufffd. All lines of one call
share one time, so that a whole block is one `bytes.replace`.
"""

from __future__ import annotations

import time

from orlop.scribe import repair
from orlop.scribe.ledger import LINE

_PLAIN = bytes(b for b in range(0x20, 0x100) if b not in b'"\\<>&') + b"\n"
_BACKSLASH = b"\\"
_ESCAPES = [  # but the backslash, which goes first, and the newline, which ends a line
    (b'"', b'\\"'),
    (b"\r", b"\\r"),
    *((bytes((b,)), b"\\u%04x" % b) for b in (*b"<>&", *range(0x20)) if b not in b"\r\n"),
]
_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


def escape(data: bytes) -> bytes:
    """The inside of a JSON string; newlines stay as they are."""
    if data.isascii():
        return _escape_text(data)
    text = _escape_text(data) if _is_utf8(data) else repair.escape_invalid(data)
    if b"\xe2\x80" in data:  # what JavaScript minds
        for separator, escaped in _SEPARATORS:
            text = text.replace(separator, escaped)
    return text


def _escape_text(data: bytes) -> bytes:
    odd = data.translate(None, _PLAIN)
    if _BACKSLASH in odd:
        data = data.replace(_BACKSLASH, b"\\\\")
    if odd:
        for byte, text in _ESCAPES:
            if byte in odd:
                data = data.replace(byte, text)
    return data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Encoder:
    """Makes the records of one stream. `attributes`: a JSON object already encoded, or b""."""

    __slots__ = ("_tail",)

    def __init__(self, stream: str, attributes: bytes = b"") -> None:
        attrs = b',"attrs":' + attributes if attributes else b""
        self._tail = b'","stream":"' + stream.encode() + b'"' + attrs + b',"time":"'

    def lines(self, data: bytes, stamp: bytes) -> bytes:
        """Records of whole lines: `data` ends with a newline."""
        text = escape(data[:-1])
        end = b"\\n" + self._tail + stamp + b'"}\n'
        return b'{"log":"' + text.replace(b"\n", end + b'{"log":"') + end

    def piece(self, data: bytes, stamp: bytes) -> bytes:
        """One record of a line that goes on (or that never ended)."""
        return b'{"log":"' + escape(data) + self._tail + stamp + b'"}\n'


class JsonRecords:
    """The encoder as the recorder uses it: times in nanoseconds, pieces of a line numbered."""

    __slots__ = ("_encoder",)

    def __init__(self, stream: str, attributes: bytes = b"", _key: str = "") -> None:
        self._encoder = Encoder(stream, attributes)

    def lines(self, data: bytes, time_ns: int) -> bytes:
        return self._encoder.lines(data, _CLOCK.format(time_ns))

    def piece(self, data: bytes, time_ns: int, _ordinal: int, *, last: bool) -> bytes:
        stamp = _CLOCK.format(time_ns)
        return self._encoder.lines(data, stamp) if last else self._encoder.piece(data, stamp)

    @staticmethod
    def count(records: bytes) -> int:
        return records.count(b"\n")

    @staticmethod
    def boundary(records: bytes, begin: int, room: int) -> int:
        """Where the record ends that reaches `room` bytes behind `begin`."""
        return records.index(b"\n", begin + room - 1) + 1


class Clock:
    """RFC 3339 with nanoseconds in UTC, trailing zeros cut off, as Go prints times."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def format(self, time_ns: int) -> bytes:
        second, fraction = divmod(time_ns, 1_000_000_000)
        if second != self._second:
            year, month, day, hour, minute, secs, *_ = time.gmtime(second)
            self._prefix = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{secs:02}"
            self._second = second
        if not fraction:
            return f"{self._prefix}Z".encode()
        return f"{self._prefix}.{fraction:09}".rstrip("0").encode() + b"Z"


_CLOCK = Clock()


def cut(data: bytes) -> list[tuple[int, int]]:
    """Docker's records of `data`, which begins at a line: runs of (end, kind).

    Kind 1: whole lines up to `end`; kind 0: one piece of 16 KiB of a longer line. What follows the
    last end is a begun line, shorter than 16 KiB.
    """
    runs: list[tuple[int, int]] = []
    at = 0
    size = len(data)
    whole = 0
    while at < size:
        found = data.rfind(b"\n", at, at + LINE)
        if found >= 0:
            at = whole = found + 1
            continue
        if size - at < LINE:
            break
        if whole:
            runs.append((whole, 1))
            whole = 0
        at += LINE
        runs.append((at, 0))
    if whole:
        runs.append((whole, 1))
    return runs


def quote(value: str) -> bytes:
    """A JSON string, as `encoding/json` of Go writes it."""
    data = value.encode("utf-8", "surrogateescape")
    return b'"' + escape(data).replace(b"\n", b"\\n") + b'"'


def attributes(pairs: dict[str, str]) -> bytes:
    """A JSON object with sorted keys; b"" without any."""
    if not pairs:
        return b""
    inside = b",".join(quote(key) + b":" + quote(pairs[key]) for key in sorted(pairs))
    return b"{" + inside + b"}"
