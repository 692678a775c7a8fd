"""Times as Go writes and reads them.

Source: Go `time.RFC3339Nano`; dockerd's rules for `until=` (a duration back, a date, Unix seconds).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from orlop.errors import SystemFailure

ZERO = "0001-01-01T00:00:00Z"
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
          "h": 3600 * 10**9}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_DATES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def rfc3339nano(ns: int) -> str:
    """Nanoseconds since 1970 as UTC, trailing zeros cut."""
    seconds, rest = divmod(ns, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{rest:09d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def now() -> str:
    return rfc3339nano(time.time_ns())


def parse_ns(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time; 0 for what is none. Years before 1970 are < 0."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        return 0
    date, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        base = datetime.fromisoformat(f"{date}T{clock}{zone}")
    except ValueError:
        return 0
    delta = base - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = delta.days * 86400 + delta.seconds
    return seconds * 10**9 + int((fraction or "").ljust(9, "0") or "0")


def duration_ns(text: str) -> int | None:
    """Go's `time.ParseDuration`: "1h30m", "1.5s", "-2m"; None for what is none."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    total, position = 0, 0
    for found in _DURATION.finditer(rest):
        if found.start() != position:
            return None
        whole, dot, part = found[1].partition(".")
        unit = _UNITS[found[2]]
        total += int(whole or "0") * unit
        total += int(part or "0") * unit // 10 ** len(part) if dot else 0
        position = found.end()
    if position != len(rest) or not rest or total >= 1 << 63:
        return None
    return sign * total


def moment_ns(text: str) -> int:
    """The moment a filter means. Raises SystemFailure, as dockerd answers 500 here."""
    duration = duration_ns(text)
    if duration is not None:
        return time.time_ns() - duration
    if _RFC3339.fullmatch(text):
        return parse_ns(text)
    for shape in _DATES:
        try:
            parsed = datetime.strptime(text.rstrip("Zz") if "T" in text else text, shape)
        except ValueError:
            continue
        zoned = parsed.replace(tzinfo=UTC) if text[-1:] in "Zz" else parsed.astimezone()
        return int(zoned.timestamp()) * 10**9
    whole, dot, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and len(whole) < 19:
        if not dot:
            return int(whole) * 10**9
        if fraction.isascii() and fraction.isdigit():
            return int(whole) * 10**9 + int(fraction[:9].ljust(9, "0"))
    raise SystemFailure(f'failed to parse value as time or duration: "{text[:200]}"')
