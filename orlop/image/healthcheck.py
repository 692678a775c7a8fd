"""The HEALTHCHECK instruction as a config's `Healthcheck` object.

Source: Dockerfile reference, HEALTHCHECK; durations are nanoseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orlop.errors import InvalidArgument
from orlop.image.times import duration_ns

_FLAG = re.compile(r"--([A-Za-z0-9-]+)(?:=(\S*))?(?:\s+|$)", re.ASCII)
_FIELDS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
    "retries": "Retries",
}


def parse_healthcheck(rest: str, json_array: Callable[[str], list[str] | None]) -> dict[str, Any]:
    """Raises InvalidArgument."""
    flags, rest = _flags(rest.strip())
    if not rest:
        raise InvalidArgument("HEALTHCHECK requires at least one argument")
    kind, _, command = rest.partition(" ")
    command = command.strip()
    if kind.upper() == "NONE":
        if command:
            raise InvalidArgument("HEALTHCHECK NONE takes no arguments")
        return {"Test": ["NONE"]}
    if kind.upper() != "CMD":
        raise InvalidArgument(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    if not command:
        raise InvalidArgument("Missing command after HEALTHCHECK CMD")
    words = json_array(command)
    test = ["CMD-SHELL", command] if words is None else ["CMD", *words]
    out: dict[str, Any] = {"Test": test}
    for name, field in _FIELDS.items():
        value = _retries(flags) if name == "retries" else _duration(flags, name)
        if value:
            out[field] = value
    return out


def _flags(rest: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    while (found := _FLAG.match(rest)) is not None:
        name, value = found.groups()
        if name not in _FIELDS:
            raise InvalidArgument(f"unknown flag: --{name}")
        if name in flags:
            raise InvalidArgument(f"duplicate flag specified: --{name}")
        if value is None:
            raise InvalidArgument(f"missing a value on flag: --{name}")
        flags[name] = value
        rest = rest[found.end() :]
    return flags, rest


def _duration(flags: dict[str, str], name: str) -> int:
    text = flags.get(name, "")
    if not text:
        return 0
    value = duration_ns(text)
    if value is None:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    if value == 0:
        return 0
    if value < 1_000_000:
        raise InvalidArgument(f'Interval "{name}" cannot be less than 1ms')
    return value


def _retries(flags: dict[str, str]) -> int:
    text = flags.get("retries", "")
    if not text:
        return 0
    if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) is None:
        raise InvalidArgument(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    value = int(text)
    if value < 0:
        raise InvalidArgument(f"--retries cannot be negative ({value})")
    return value
