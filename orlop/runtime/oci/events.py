"""`events ID`: counters of a container, once with --stats, else again and again until its end."""

from __future__ import annotations

import os
import select

from orlop.errors import Conflict, InvalidArgument
from orlop.oci.jsonlite import dumps
from orlop.runtime.cgroup import control
from orlop.runtime.cgroup.stats import counters
from orlop.runtime.oci.output import show
from orlop.runtime.oci.store import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

    Json = dict[str, Any]

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def events(command: Command) -> int:
    record = command.record()
    pause = _milliseconds(command.options.get("interval") or "5s")
    if record.status() == STOPPED:
        raise Conflict(f"container with id {record.id} is not running")
    own = record.own["cgroup"]
    if command.options.get("stats"):
        _tell(record.id, "stats", _stats(counters(command.layout(), own)))
        return 0
    fd = record.open_process()
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    killed = control.oom_kills(command.layout(), own)
    while not poll.poll(pause):
        _tell(record.id, "stats", _stats(counters(command.layout(), own)))
        now = control.oom_kills(command.layout(), own)
        if now > killed:
            killed = now
            _tell(record.id, "oom", None)
    os.close(fd)
    return 0


def _milliseconds(text: str) -> int:
    digits = text.rstrip("hms")
    if not digits.isascii() or not digits.isdigit() or text[len(digits) :] not in _UNITS:
        raise InvalidArgument(f"invalid duration {text!r}")
    found = int(digits) * _UNITS[text[len(digits) :]]
    if not 0 < found < 1 << 31:
        raise InvalidArgument("duration interval must be greater than 0")
    return found


def _tell(id: str, kind: str, data: Json | None) -> None:
    show(dumps({"type": kind, "id": id, **({"data": data} if data is not None else {})}) + "\n")


def _stats(found: Json) -> Json:
    """In the words of runc's types.Stats."""
    cpu, memory = found["cpu"], found["memory"]
    return {
        "cpu": {
            "usage": {
                "total": cpu["total"],
                "percpu": cpu.get("percpu") or [],
                "kernel": cpu["system"],
                "user": cpu["user"],
            },
            "throttling": {
                "periods": cpu["periods"],
                "throttledPeriods": cpu["throttled_periods"],
                "throttledTime": cpu["throttled_time"],
            },
        },
        "memory": {
            "cache": memory["stats"].get("cache", memory["stats"].get("file", 0)),
            "usage": {
                "limit": memory["limit"],
                "usage": memory["usage"],
                "max": memory.get("max_usage", 0),
                "failcnt": memory.get("failcnt", 0),
            },
            "raw": memory["stats"],
        },
        "pids": {
            "current": found["pids"]["current"],
            "limit": _pids_limit(found["pids"].get("limit", 0)),
        },
        "blkio": {
            "ioServiceBytesRecursive": found["blkio"].get("io_service_bytes_recursive") or [],
            "ioServicedRecursive": found["blkio"].get("io_serviced_recursive") or [],
        },
        "hugetlb": {},
        "intel_rdt": {},
    }


def _pids_limit(limit: int) -> int:
    return 0 if limit >= 1 << 63 else limit
