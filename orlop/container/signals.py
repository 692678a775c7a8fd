"""Signal names as users write them."""

from __future__ import annotations

import re
import signal

from orlop.errors import InvalidArgument

RTMIN = 34  # as glibc gives it to programs, and Docker's table
RTMAX = 64

_NAMES = {s.name.removeprefix("SIG"): int(s) for s in signal.Signals if s.name[3:6] != "RTM"}
_NAMES["CLD"] = int(signal.SIGCHLD)
_NAMES["POLL"] = int(signal.SIGIO)
_NAMES["STKFLT"] = 16
_NAMES["UNUSED"] = 31
_RT = re.compile(r"RT(MIN|MAX)(?:([+-])(\d{1,2}))?", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


def parse(text: str) -> int:
    """`TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`. Raises InvalidArgument with Docker's text."""
    number = lookup(text)
    if number is None:
        raise InvalidArgument(f"invalid signal: {text}")
    return number


def lookup(text: str) -> int | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    name = text.upper().removeprefix("SIG")
    if name in _NAMES:
        return _NAMES[name]
    match = _RT.fullmatch(name)
    if match is None:
        return None
    base, sign, rest = match.groups()
    offset = int(rest or 0)
    number = RTMIN + offset if base == "MIN" else RTMAX - offset
    right_sign = sign is None or sign == ("+" if base == "MIN" else "-")
    return number if right_sign and RTMIN <= number <= RTMAX else None
