"""Docker's spellings of instants and durations.

Records hold RFC 3339 with up to nine decimals, trailing zeros dropped (Go's RFC3339Nano) in UTC;
"never" is Go's zero time. Status columns hold a rounded English duration.
"""

from __future__ import annotations

import calendar
import re
import time

from orlop.errors import InvalidArgument

NEVER = "0001-01-01T00:00:00Z"

_STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def stamp(ns: int) -> str:
    """Nanoseconds since the epoch (UTC) as a record's text."""
    if ns <= 0:
        return NEVER
    seconds, rest = divmod(ns, 1_000_000_000)
    t = time.gmtime(seconds)
    head = (
        f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}"
        f"T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
    )
    return f"{head}.{rest:09d}".rstrip("0") + "Z" if rest else head + "Z"


def nanoseconds(text: str) -> int:
    """A record's text as nanoseconds since the epoch; 0 for "never". Raises InvalidArgument."""
    match = _STAMP.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"parsing time {text[:64]!r}: not RFC 3339")
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    if year <= 1:
        return 0
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    zone = match[8]
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return seconds * 1_000_000_000 + int((match[7] or "0").ljust(9, "0"))


def human(seconds: float) -> tuple[str, float]:
    """(Docker's text for a duration, the duration in seconds from which the text differs).

    Source: docker/go-units `HumanDuration` (its limits, not its code).
    """
    whole = int(seconds)
    if whole < 1:
        return "Less than a second", 1.0
    if whole == 1:
        return "1 second", 2.0
    if whole < 60:
        return f"{whole} seconds", whole + 1.0
    minutes = whole // 60
    if minutes == 1:
        return "About a minute", 120.0
    if minutes < 60:
        return f"{minutes} minutes", (minutes + 1) * 60.0
    hours = int(whole / 3600 + 0.5)  # go-units rounds hours to the nearest
    upto = (hours + 0.5) * 3600
    if hours == 1:
        return "About an hour", upto
    if hours < 48:
        return f"{hours} hours", upto
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days", upto
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks", upto
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months", upto
    return f"{int(whole / 3600) // 24 // 365} years", upto
