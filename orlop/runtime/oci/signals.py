"""Names of signals to numbers, without the `signal` module, whose import costs. Pure.

Source: signal(7), the numbers of x86 and arm.
"""

from __future__ import annotations

from orlop.errors import InvalidArgument

_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP "
    "TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split()
_NUMBERS = {name: number for number, name in enumerate(_NAMES, 1)} | {
    "IOT": 6, "CLD": 17, "POLL": 29, "UNUSED": 31, "RTMIN": 34, "RTMAX": 64,
}  # fmt: skip
KILL = 9


def number(text: str) -> int:
    """ "KILL", "SIGKILL", "9", "RTMIN+1". Raises InvalidArgument."""
    name = text.upper().removeprefix("SIG")
    if text.isascii() and text.isdigit() and len(text) <= 3:
        found = int(text)
    else:
        base, sign, offset = name.replace("-", "+-").partition("+")
        found = _NUMBERS.get(base, -1)
        if sign and base in ("RTMIN", "RTMAX") and offset.lstrip("-").isdigit():
            found += int(offset)
        elif sign:
            found = -1
    if not 0 <= found <= 64:
        raise InvalidArgument(f"unknown signal {text!r}")
    return found
