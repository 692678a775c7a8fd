"""Counters of a control group, in the shape of Docker's stats."""

from __future__ import annotations

from typing import Any

from orlop.runtime.cgroup.control import directory, fields, read
from orlop.runtime.cgroup.layout import Layout

Json = dict[str, Any]
_TICKS = 100  # USER_HZ: what cpuacct.stat counts in
_UNLIMITED = 0x7FFFFFFFFFFFF000
_BLKIO = (
    ("io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"),
    ("io_serviced_recursive", "blkio.throttle.io_serviced_recursive"),
)
_BLKIO_CFQ = (  # of schedulers that are gone; on v1 Docker has them as empty lists
    "io_queue_recursive",
    "io_service_time_recursive",
    "io_wait_time_recursive",
    "io_merged_recursive",
    "io_time_recursive",
    "sectors_recursive",
)


def counters(layout: Layout, relative: str) -> Json:
    """{"cpu": {total, user, system (ns), periods …}, "memory", "pids", "blkio"}."""
    return {
        "cpu": _cpu_v1(layout, relative) if "cpuacct" in layout.v1 else _cpu_v2(layout, relative),
        "memory": _memory_v1(layout, relative)
        if "memory" in layout.v1
        else _memory_v2(layout, relative),
        "pids": _pids(layout, relative),
        "blkio": _blkio(layout, relative),
    }


def _cpu_v1(layout: Layout, relative: str) -> Json:
    own = directory(layout, relative, "cpuacct")
    parts = fields(f"{own}/cpuacct.stat")
    throttling = fields(directory(layout, relative, "cpu") + "/cpu.stat")
    nanoseconds = 1_000_000_000 // _TICKS
    return {
        "total": _number(f"{own}/cpuacct.usage"),
        "percpu": [int(n) for n in read(f"{own}/cpuacct.usage_percpu").split()],
        "user": parts.get("user", 0) * nanoseconds,
        "system": parts.get("system", 0) * nanoseconds,
        "periods": throttling.get("nr_periods", 0),
        "throttled_periods": throttling.get("nr_throttled", 0),
        "throttled_time": throttling.get("throttled_time", 0),
    }


def _cpu_v2(layout: Layout, relative: str) -> Json:
    found = fields(f"{layout.unified}/{relative}/cpu.stat")
    return {
        "total": found.get("usage_usec", 0) * 1000,
        "user": found.get("user_usec", 0) * 1000,
        "system": found.get("system_usec", 0) * 1000,
        "periods": found.get("nr_periods", 0),
        "throttled_periods": found.get("nr_throttled", 0),
        "throttled_time": found.get("throttled_usec", 0) * 1000,
    }


def _memory_v1(layout: Layout, relative: str) -> Json:
    own = directory(layout, relative, "memory")
    out: Json = {
        "usage": _number(f"{own}/memory.usage_in_bytes"),
        "max_usage": _number(f"{own}/memory.max_usage_in_bytes"),
        "stats": fields(f"{own}/memory.stat"),
        "limit": _limit(_number(f"{own}/memory.limit_in_bytes")),
    }
    failures = _number(f"{own}/memory.failcnt")
    return {**out, "failcnt": failures} if failures else out


def _memory_v2(layout: Layout, relative: str) -> Json:
    own = f"{layout.unified}/{relative}"
    limit = read(f"{own}/memory.max").strip()
    return {
        "usage": _number(f"{own}/memory.current"),
        "stats": fields(f"{own}/memory.stat"),
        "limit": _limit(int(limit) if limit.isdigit() else _UNLIMITED),
    }


def _limit(found: int) -> int:
    """Without a limit of its own: the host's memory."""
    if 0 < found < _UNLIMITED:
        return found
    for line in read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return found


def _pids(layout: Layout, relative: str) -> Json:
    own = directory(layout, relative, "pids")
    limit = read(f"{own}/pids.max").strip()
    out = {"current": _number(f"{own}/pids.current")}
    if limit.isdigit():
        out["limit"] = int(limit)
    elif "pids" not in layout.v1:
        out["limit"] = 18446744073709551615  # Docker leaves it out on v1
    return out


def _blkio(layout: Layout, relative: str) -> Json:
    if "blkio" not in layout.v1:
        return {"io_service_bytes_recursive": _io_stat(layout, relative)}
    own = directory(layout, relative, "blkio")
    out: Json = {name: [] for name in _BLKIO_CFQ}
    for name, file in _BLKIO:
        rows = []
        for line in read(f"{own}/{file}").splitlines():
            words = line.split()
            if len(words) == 3 and ":" in words[0]:
                major, _, minor = words[0].partition(":")
                rows.append(_row(major, minor, words[1].lower(), words[2]))
        out[name] = rows
    return out


def _io_stat(layout: Layout, relative: str) -> list[Json]:
    rows = []
    for line in read(f"{layout.unified}/{relative}/io.stat").splitlines():
        device, *words = line.split()
        major, _, minor = device.partition(":")
        values = dict(w.split("=", 1) for w in words if "=" in w)
        rows.append(_row(major, minor, "read", values.get("rbytes", "0")))
        rows.append(_row(major, minor, "write", values.get("wbytes", "0")))
    return rows


def _row(major: str, minor: str, op: str, value: str) -> Json:
    return {"major": int(major), "minor": int(minor), "op": op, "value": int(value)}


def _number(path: str) -> int:
    text = read(path).strip()
    return int(text) if text.isdigit() else 0
