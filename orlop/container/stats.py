"""`docker stats`: one sample of a container's cgroup and network counters, in Docker's shape."""

from __future__ import annotations

import os
import time
from typing import Any

from orlop.container.cgroups import counters
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.times import NEVER, stamp

Json = dict[str, Any]
_NETWORK = (
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_dropped",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
)


def stats(containers: Containers, ref: str, previous: Json | None = None) -> Json:
    """A sample; `previous` (the sample before) fills `precpu_stats`, from which clients take rates.

    A container that is not running gives zeros, as in Docker.
    """
    container = containers.get(ref)
    now = time.time_ns()
    base: Json = {
        "name": "/" + container.name,
        "id": container.id,
        "read": NEVER,
        "preread": NEVER,
        "pids_stats": {},
        "blkio_stats": _BLKIO_EMPTY,
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _cpu({}),
        "precpu_stats": _cpu({}),
        "memory_stats": {},
    }
    if not container.state.running:
        return base
    sample = counters(containers, container.id)
    base["read"] = stamp(now)
    base["cpu_stats"] = _cpu(sample.get("cpu") or {}, live=True)
    base["memory_stats"] = sample.get("memory") or {}
    base["pids_stats"] = sample.get("pids") or {}
    base["blkio_stats"] = {**_BLKIO_EMPTY, **(sample.get("blkio") or {})}
    networks = _networks(container)
    if networks:
        base["networks"] = networks
    if previous is not None and previous["read"] != NEVER:
        base["preread"] = previous["read"]
        base["precpu_stats"] = previous["cpu_stats"]
    return base


_BLKIO_EMPTY: Json = {
    "io_service_bytes_recursive": None,
    "io_serviced_recursive": None,
    "io_queue_recursive": None,
    "io_service_time_recursive": None,
    "io_wait_time_recursive": None,
    "io_merged_recursive": None,
    "io_time_recursive": None,
    "sectors_recursive": None,
}


def _cpu(usage: Json, *, live: bool = False) -> Json:
    out: Json = {
        "cpu_usage": {
            "total_usage": usage.get("total", 0),
            "usage_in_kernelmode": usage.get("system", 0),
            "usage_in_usermode": usage.get("user", 0),
        },
        "throttling_data": {
            "periods": usage.get("periods", 0),
            "throttled_periods": usage.get("throttled_periods", 0),
            "throttled_time": usage.get("throttled_time", 0),
        },
    }
    if live:
        if usage.get("percpu"):
            out["cpu_usage"]["percpu_usage"] = usage["percpu"]
        out["system_cpu_usage"] = _system_cpu()
        out["online_cpus"] = os.cpu_count() or 1
    return out


def _system_cpu() -> int:
    """Nanoseconds all processors spent since boot: the first seven fields of /proc/stat."""
    with open("/proc/stat", "rb") as stat:
        fields = stat.readline().split()[1:8]
    return sum(map(int, fields)) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))


def _networks(container: Container) -> Json:
    """/proc/PID/net/dev of the container's first process, without lo."""
    try:
        with open(f"/proc/{container.state.pid}/net/dev", encoding="ascii") as table:
            lines = table.read().splitlines()[2:]
    except OSError:
        return {}
    out: Json = {}
    for line in lines:
        name, _, numbers = line.partition(":")
        fields = [int(n) for n in numbers.split()]
        if name.strip() == "lo" or len(fields) < 12:
            continue
        out[name.strip()] = dict(zip(_NETWORK, fields[0:4] + fields[8:12]))
    return out
