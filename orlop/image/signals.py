"""Signal names as STOPSIGNAL takes them."""

from __future__ import annotations

import signal

from orlop.errors import InvalidArgument

_REAL_TIME = {f"RTMIN+{n}" for n in range(1, 16)} | {f"RTMAX-{n}" for n in range(1, 15)}
_NAMES = (
    {s.name.removeprefix("SIG") for s in signal.Signals}
    | _REAL_TIME
    | {"CLD", "IOT", "POLL", "STKFLT", "UNUSED", "RTMIN", "RTMAX"}
)


def check_signal(text: str) -> str:
    """`text` unchanged. Raises InvalidArgument."""
    bare = text.upper().removeprefix("SIG")
    number = text.removeprefix("-")
    if (number.isascii() and number.isdigit() and int(number[:9])) or bare in _NAMES:
        return text
    raise InvalidArgument(f"invalid signal: {text}")
