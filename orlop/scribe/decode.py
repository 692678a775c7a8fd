"""json-file records back to what was written, in runs.

The scribe gives all lines of one read the same time, so a run of records differs in nothing but its
text: one `replace` undoes what one `replace` made. Other records (dockerd's, each with a time of
its own) go one by one. A record that is damaged is skipped, and nothing but it.
"""

from __future__ import annotations

import calendar
import functools
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_OPEN = b'{"log":"'
_STREAM = b'","stream":"'
_TIME = b'"time":"'
_ATTRS = b',"attrs":'
_BETWEEN = b'"}\n{"log":"'
_TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")

_JSON = json.JSONDecoder()
_scanstring: Any = json.decoder.scanstring  # type: ignore[attr-defined]


class Run(NamedTuple):
    """`text`: that of `lines` records, whole lines but for a lone piece of a line."""

    stream: str
    time_ns: int
    text: bytes
    lines: int
    attrs: bytes  # a JSON object, or b""


def decode(buffer: bytes, since_ns: int = 0) -> Iterator[Run]:
    """The runs in `buffer`, which holds whole lines of a log; older ones than `since_ns` go."""
    at = 0
    size = len(buffer)
    while at < size:
        end = buffer.find(b"\n", at) + 1 or size
        mark = buffer.find(_STREAM, at, end)
        tail = buffer[mark:end]
        head = _head(tail) if mark >= 0 and buffer.startswith(_OPEN, at) else None
        if head is None or b"\0" in tail or _OPEN in buffer[at + 1 : mark]:
            yield from _slowly(buffer[at:end], since_ns)
            at = end
            continue
        begin = at + len(_OPEN)
        stop, ending, count = mark, b"", 1
        if _is_line(buffer, begin, mark):
            stop, ending = mark - 2, b"\n"
            if _continues(buffer, end, tail):
                end = _end_of_run(buffer, end, b"\\n" + tail)
                stop = end - 2 - len(tail)
        stream, time_ns, attrs = head
        at = end
        if time_ns < since_ns:
            continue
        text = buffer[begin:stop]
        if stop > mark:
            joint = b"\\n" + tail + _OPEN
            before = len(text)
            text = text.replace(joint, b"\n")
            count += (before - len(text)) // (len(joint) - 1)
            if _BETWEEN in text:  # others in between: not one run after all
                yield from _slowly(buffer[begin - len(_OPEN) : end], since_ns)
                continue
        plain = unescape(text)
        if plain is None:
            yield from _slowly(buffer[begin - len(_OPEN) : end], since_ns)
        else:
            yield Run(stream, time_ns, plain + ending, count, attrs)


def _is_line(buffer: bytes, begin: int, end: int) -> bool:
    """Whether the text ends with an escaped newline (not with a backslash and an n)."""
    if not buffer.endswith(b"\\n", begin, end):
        return False
    at = end - 2
    while at > begin and buffer[at - 1] == 0x5C:
        at -= 1
    return (end - 2 - at) % 2 == 0


def _continues(buffer: bytes, at: int, tail: bytes) -> bool:
    """Whether the record at `at` has the same tail."""
    mark = buffer.find(_STREAM, at, at + 131072)
    return mark >= 0 and buffer.startswith(tail, mark) and buffer.startswith(_OPEN, at)


def _end_of_run(buffer: bytes, low: int, ending: bytes) -> int:
    """Where the last of the records ends that follow each other with one ending: halving finds it,
    for one that has it among others is no harm (who takes the run looks for those)."""
    high = len(buffer)
    while low < high:
        middle = (low + high) // 2
        end = buffer.find(b"\n", middle, high) + 1
        if end and buffer.endswith(ending, low, end):
            low = end
        else:
            high = middle
    return low


def _head(tail: bytes) -> tuple[str, int, bytes] | None:
    """(stream, time, attrs) of a record's tail, None when it is no such thing."""
    mark = tail.rfind(_TIME)
    if mark < 0 or not tail.endswith(b'"}\n'):
        return None
    time_ns = parse_time(tail[mark + len(_TIME) : -3])
    quote = tail.find(b'"', len(_STREAM))
    middle = tail[quote + 1 : mark]
    if time_ns is None:
        return None
    if middle == b",":
        attrs = b""
    elif middle.startswith(_ATTRS) and middle.endswith(b","):
        attrs = middle[len(_ATTRS) : -1]
    else:
        return None
    return tail[len(_STREAM) : quote].decode("utf-8", "replace"), time_ns, attrs


def _slowly(data: bytes, since_ns: int) -> Iterator[Run]:
    """Record by record, with a JSON parser."""
    for record in _records(data):
        time_ns = parse_time(str(record.get("time", "")).encode()) or 0
        if time_ns < since_ns:
            continue
        attrs = record.get("attrs")
        yield Run(
            str(record.get("stream", "")),
            time_ns,
            _encode(record["log"]),
            1,
            json.dumps(attrs).encode() if isinstance(attrs, dict) and attrs else b"",
        )


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    """The records that can be read, also when a torn one has others behind it on its line."""
    for line in data.split(b"\n"):
        text = line.decode("utf-8", "surrogateescape")
        at = 0
        while at < len(text):
            try:
                record, at = _JSON.raw_decode(text, at)
            except (ValueError, RecursionError):
                at = text.find('{"log":"', at + 1)
                if at < 0:
                    break
                continue
            if isinstance(record, dict) and isinstance(record.get("log"), str):
                yield record


def unescape(text: bytes) -> bytes | None:
    """The inside of a JSON string, with raw newlines; None when it is none."""
    if b'"' not in text and b"\\" not in text:
        return text
    string = text.decode("utf-8", "surrogateescape") + '"'
    try:
        value, end = _scanstring(string, 0, False)
    except ValueError:
        return None
    return _encode(value) if end == len(string) else None


def _encode(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        # Lone surrogates: half of an escaped pair, or a byte that was no UTF-8. Go reads U+FFFD.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


@functools.lru_cache(maxsize=64)
def _seconds(text: bytes) -> int | None:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if not (year and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    return calendar.timegm((year, month, day, int(text[11:13]), int(text[14:16]), int(text[17:19])))


def parse_time(text: bytes) -> int | None:
    """RFC 3339 as nanoseconds since 1970."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    seconds = _seconds(text[:19])
    if seconds is None:
        return None
    zone = found[2]
    if zone != b"Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += offset if zone.startswith(b"-") else -offset
    return seconds * 1_000_000_000 + int((found[1] or b"").ljust(9, b"0"))
