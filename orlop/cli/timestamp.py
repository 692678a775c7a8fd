"""Times that users give: Unix seconds, RFC 3339 with parts left out, or a duration ago.

Source: moby's api/types/time.GetTimestamp.
"""

import calendar
import time

from orlop.cli.failure import Failure
from orlop.cli.units import parse_duration
from orlop.text import go_quote


def parse(text: str) -> str:
    """`seconds.nanoseconds`. Raises Failure."""
    try:
        ago = parse_duration(text if text != "0" else "")  # 0 is the beginning, not now
        return _shown(time.time_ns() - ago)
    except ValueError:
        pass
    if text.replace(".", "", 1).replace("-", "", 1).isdigit() and "-" not in text[1:]:
        return text
    return _calendar(text)


def _shown(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _calendar(text: str) -> str:
    wrong = Failure(f"failed to parse value as time or duration: {go_quote(text)}")
    body, offset = _zone(text)
    date, _, clock = body.partition("T")
    clock, dot, fraction = clock.partition(".")
    for shape in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"):
        try:
            found = time.strptime(f"{date}T{clock}" if clock else date, shape)
        except ValueError:
            continue
        if dot and not fraction.isdigit():
            raise wrong
        seconds = calendar.timegm(found) - offset if offset is not None else int(time.mktime(found))
        return f"{seconds}.{(fraction or '0').ljust(9, '0')[:9]}"
    raise wrong


def _zone(text: str) -> tuple[str, int | None]:
    """(time without the zone, offset in seconds; None is the local zone)."""
    if text.endswith("Z"):
        return text[:-1], 0
    if len(text) > 16 and text[-6] in "+-" and text[-3] == ":":
        try:
            offset = int(text[-5:-3]) * 3600 + int(text[-2:]) * 60
        except ValueError:
            return text, None
        return text[:-6], -offset if text[-6] == "-" else offset
    return text, None
