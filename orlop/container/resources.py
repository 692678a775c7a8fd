"""Checks of the resource fields of HostConfig, for create and update: Docker's texts and limits.

Returns warnings; a feature the kernel lacks is dropped from `host` with one, as Docker does.
"""

from __future__ import annotations

import re
from typing import Any

from orlop.container.sysinfo import SysInfo
from orlop.errors import InvalidArgument

Json = dict[str, Any]

MINIMUM_MEMORY = 6 << 20
_CPUSET_LIMIT = 8192
_LIMITS = {
    "memory": ("Memory", "MemoryReservation", "MemorySwap", "OomKillDisable"),
    "CPU": ("NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota", "CpuRealtimePeriod",
            "CpuRealtimeRuntime", "CpusetCpus", "CpusetMems"),
    "PIDs": ("PidsLimit",),
    "block I/O": ("BlkioWeight",),
}  # fmt: skip
_NO = "Your kernel does not support "
_NOT_MOUNTED = "or the cgroup is not mounted. "
_THROTTLES = {
    "BlkioDeviceReadBps": ("BPS Block I/O read", "Block I/O BPS read"),
    "BlkioDeviceWriteBps": ("BPS Block I/O write", "Block I/O BPS write"),
    "BlkioDeviceReadIOps": ("IOPS Block read", "Block I/O IOPS read"),
    "BlkioDeviceWriteIOps": ("IOPS Block write", "Block I/O IOPS write"),
}
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)


def check(host: Json, info: SysInfo, *, update: bool = False) -> list[str]:
    """Raises InvalidArgument. Changes `host` where a value is discarded."""
    warnings: list[str] = []
    if not info.cgroups:
        _discard(host, warnings)
    if host.get("ShmSize", 0) < 0:
        raise InvalidArgument("SHM size can not be less than 0")
    score = host.get("OomScoreAdj", 0)
    if not -1000 <= score <= 1000:
        raise InvalidArgument(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")
    _memory(host, info, warnings, update)
    _pids(host, info, warnings)
    _cpu(host, info, warnings)
    _cpuset(host, info, warnings)
    _blkio(host, info, warnings)
    if host.get("IOMaximumIOps"):
        raise InvalidArgument(
            "invalid option: QoS maximum IOPs configuration is not supported on linux"
        )
    if host.get("IOMaximumBandwidth"):
        raise InvalidArgument(
            "invalid option: QoS maximum bandwidth configuration is not supported on linux"
        )
    if host.get("CpuPercent"):
        warnings.append("linux does not support CPU percent. Percent discarded.")
        host["CpuPercent"] = 0
    return warnings


def _discard(host: Json, warnings: list[str]) -> None:
    """A user to whom no control groups are delegated has no limits, as with Docker rootless."""
    for name, keys in _LIMITS.items():
        found = [key for key in keys if host.get(key) and host[key] != -1]
        if found:
            warnings.append(
                f"Your kernel does not support {name} limit capabilities or the cgroup is not "
                "mounted. Limitation discarded."
            )
        for key in found:
            host[key] = type(host[key])()


def _memory(host: Json, info: SysInfo, warnings: list[str], update: bool) -> None:
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    reservation = host.get("MemoryReservation") or 0
    if memory != 0 and memory < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory limit allowed is 6MB")
    if memory > 0 and not info.memory:
        warnings.append(f"{_NO}memory limit capabilities {_NOT_MOUNTED}Limitation discarded.")
        host["Memory"], host["MemorySwap"] = memory, swap = 0, -1
    if memory > 0 and swap != -1 and not info.swap_limit:
        warnings.append(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
            "Memory limited without swap."
        )
        host["MemorySwap"] = swap = -1
    if memory > 0 and 0 < swap < memory:
        raise InvalidArgument(
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if memory == 0 and swap > 0 and not update:
        raise InvalidArgument(
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        )
    swappiness = host.get("MemorySwappiness")
    if swappiness is not None and swappiness != -1:
        if not info.memory_swappiness:
            warnings.append(
                "Your kernel does not support memory swappiness capabilities or the cgroup is "
                "not mounted. Memory swappiness discarded."
            )
            host["MemorySwappiness"] = None
        elif not 0 <= swappiness <= 100:
            raise InvalidArgument(
                f"Invalid value: {swappiness}, valid memory swappiness range is 0-100"
            )
    if reservation > 0 and not info.memory:
        warnings.append(f"{_NO}memory soft limit capabilities {_NOT_MOUNTED}Limitation discarded.")
        host["MemoryReservation"] = reservation = 0
    if 0 < reservation < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory reservation allowed is 6MB")
    if memory > 0 and reservation > memory:
        raise InvalidArgument(
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        )
    if host.get("OomKillDisable"):
        _oom_disable(host, info, warnings, memory)


def _oom_disable(host: Json, info: SysInfo, warnings: list[str], memory: int) -> None:
    if not info.oom_kill_disable:
        warnings.append("Your kernel does not support OomKillDisable. OomKillDisable discarded.")
        host["OomKillDisable"] = False
    elif memory == 0:
        warnings.append(
            "OOM killer is disabled for the container, but no memory limit is set, "
            "this can result in the system running out of resources."
        )


def _pids(host: Json, info: SysInfo, warnings: list[str]) -> None:
    if (host.get("PidsLimit") or 0) > 0 and not info.pids_limit:
        warnings.append(
            "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. "
            "PIDs limit discarded."
        )
        host["PidsLimit"] = None


def _cpu(host: Json, info: SysInfo, warnings: list[str]) -> None:
    nano, shares = host.get("NanoCpus") or 0, host.get("CpuShares") or 0
    period, quota = host.get("CpuPeriod") or 0, host.get("CpuQuota") or 0
    if nano and period:
        raise InvalidArgument("Conflicting options: Nano CPUs and CPU Period cannot both be set")
    if nano and quota:
        raise InvalidArgument("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    if nano > 0 and not info.cpu_cfs:
        raise InvalidArgument(
            "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler "
            "or the cgroup is not mounted"
        )
    if nano < 0 or nano > info.cpus * 1_000_000_000:
        raise InvalidArgument(
            f"range of CPUs is from 0.01 to {info.cpus}.00, "
            f"as there are only {info.cpus} CPUs available"
        )
    if shares < 0:
        raise InvalidArgument(f"invalid CPU shares ({shares}): value must be a positive integer")
    if shares and not info.cpu_shares:
        warnings.append(f"{_NO}CPU shares {_NOT_MOUNTED}Shares discarded.")
        host["CpuShares"] = 0
    if (period or quota) and not info.cpu_cfs:
        warnings.append(f"{_NO}CPU CFS scheduler. CPU period/quota discarded.")
        host["CpuPeriod"], host["CpuQuota"] = period, quota = 0, 0
    if period and not 1000 <= period <= 1_000_000:
        raise InvalidArgument(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        )
    if 0 < quota < 1000:
        raise InvalidArgument("CPU cfs quota can not be less than 1ms (i.e. 1000)")
    rt_period, rt_runtime = host.get("CpuRealtimePeriod") or 0, host.get("CpuRealtimeRuntime") or 0
    if rt_period or rt_runtime:
        if not info.cpu_realtime:
            raise InvalidArgument("Your kernel does not support CPU real-time scheduler")
        if rt_period and rt_runtime > rt_period:
            raise InvalidArgument(
                "cpu real-time runtime cannot be higher than cpu real-time period"
            )


def _cpuset(host: Json, info: SysInfo, warnings: list[str]) -> None:
    if (host.get("CpusetCpus") or host.get("CpusetMems")) and not info.cpuset:
        warnings.append(f"{_NO}cpuset {_NOT_MOUNTED}Cpuset discarded.")
        host["CpusetCpus"] = host["CpusetMems"] = ""
    for key, noun, what, available in (
        ("CpusetCpus", "CPUs", "cpus", info.cpuset_cpus),
        ("CpusetMems", "memory nodes", "mems", info.cpuset_mems),
    ):
        text = host.get(key) or ""
        if not text:
            continue
        wanted = cpu_list(text, what)
        if not wanted <= cpu_list(available, what):
            raise InvalidArgument(
                f"Requested {noun} are not available - requested {text}, available: {available}"
            )


def cpu_list(text: str, what: str) -> set[int]:
    """`0-2,7` as a set. The kernel's upper bound is checked before a range is expanded."""
    out: set[int] = set()
    for part in filter(None, text.split(",")):
        low, dash, high = part.partition("-")
        if not _NUMBER.fullmatch(low) or (dash and not _NUMBER.fullmatch(high)):
            raise InvalidArgument(f"Invalid value {text} for cpuset {what}: invalid format: {text}")
        first, last = int(low), int(high or low)
        if max(first, last) > _CPUSET_LIMIT:
            raise InvalidArgument(
                f"Invalid value {text} for cpuset {what}: "
                f"value of out range, maximum is {_CPUSET_LIMIT}"
            )
        if last < first:
            raise InvalidArgument(f"Invalid value {text} for cpuset {what}: invalid format: {text}")
        out.update(range(first, last + 1))
    return out


def _blkio(host: Json, info: SysInfo, warnings: list[str]) -> None:
    weight = host.get("BlkioWeight") or 0
    if weight and not info.blkio_weight:
        warnings.append(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. "
            "Weight discarded."
        )
        host["BlkioWeight"] = 0
    elif weight and not 10 <= weight <= 1000:
        raise InvalidArgument("Range of blkio weight is from 10 to 1000")
    if host.get("BlkioWeightDevice") and not info.blkio_weight:
        warnings.append(
            "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. "
            "Weight-device discarded."
        )
        host["BlkioWeightDevice"] = []
    for key, (what, dropped) in _THROTTLES.items():
        if host.get(key) and not info.io_limits:
            warnings.append(f"{_NO}{what} limit {_NOT_MOUNTED}{dropped} limit discarded.")
            host[key] = []
