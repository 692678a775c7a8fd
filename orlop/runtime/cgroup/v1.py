"""OCI resources as file values of the v1 controllers. Pure."""

from __future__ import annotations

from orlop.runtime.cgroup.devices import rules_of, v1_writes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Values = list[tuple[str, str]]
    Json = dict[str, Any]

_U64_MAX = (1 << 64) - 1


def values(resources: Json, controller: str) -> Values:
    """What to write, in order, for `controller`; [] where nothing is asked."""
    make = _MAKERS.get(controller)
    return make(resources) if make else []


def _memory(resources: Json) -> Values:
    memory = resources.get("memory") or {}
    out: Values = []
    _add(out, "memory.limit_in_bytes", memory.get("limit"))
    _add(out, "memory.memsw.limit_in_bytes", memory.get("swap"))
    _add(out, "memory.soft_limit_in_bytes", memory.get("reservation"))
    _add(out, "memory.kmem.tcp.limit_in_bytes", memory.get("kernelTCP"))
    swappiness = memory.get("swappiness")
    if swappiness is not None and 0 <= swappiness < _U64_MAX:
        out.append(("memory.swappiness", str(swappiness)))
    if memory.get("disableOOMKiller"):
        out.append(("memory.oom_control", "1"))
    return out


def _cpu(resources: Json) -> Values:
    cpu = resources.get("cpu") or {}
    out: Values = []
    _add(out, "cpu.shares", cpu.get("shares"))
    _add(out, "cpu.cfs_period_us", cpu.get("period"))
    _add(out, "cpu.cfs_quota_us", cpu.get("quota"))
    _add(out, "cpu.cfs_burst_us", cpu.get("burst"))
    _add(out, "cpu.rt_period_us", cpu.get("realtimePeriod"))
    _add(out, "cpu.rt_runtime_us", cpu.get("realtimeRuntime"))
    _add(out, "cpu.idle", cpu.get("idle"))
    return out


def _cpuset(resources: Json) -> Values:
    cpu = resources.get("cpu") or {}
    names = (("cpuset.cpus", "cpus"), ("cpuset.mems", "mems"))
    return [(name, cpu[key]) for name, key in names if cpu.get(key)]


def _pids(resources: Json) -> Values:
    limit = (resources.get("pids") or {}).get("limit")
    if not limit:
        return []
    return [("pids.max", "max" if limit < 0 else str(limit))]


def _blkio(resources: Json) -> Values:
    block = resources.get("blockIO") or {}
    out: Values = []
    _add(out, "blkio.bfq.weight|blkio.weight", block.get("weight"))
    _add(out, "blkio.leaf_weight", block.get("leafWeight"))
    for device in block.get("weightDevice") or ():
        number = f"{device['major']}:{device['minor']}"
        file = "blkio.bfq.weight_device|blkio.weight_device"
        if device.get("weight"):
            out.append((file, f"{number} {device['weight']}"))
    for key, file in _THROTTLES:
        for device in block.get(key) or ():
            number = f"{device['major']}:{device['minor']}"
            out.append((f"blkio.throttle.{file}", f"{number} {device['rate']}"))
    return out


_THROTTLES = (
    ("throttleReadBpsDevice", "read_bps_device"),
    ("throttleWriteBpsDevice", "write_bps_device"),
    ("throttleReadIOPSDevice", "read_iops_device"),
    ("throttleWriteIOPSDevice", "write_iops_device"),
)


def _devices(resources: Json) -> Values:
    if "devices" not in resources:
        return []
    return v1_writes(rules_of(resources["devices"] or []))


def _hugetlb(resources: Json) -> Values:
    limits = resources.get("hugepageLimits") or ()
    return [(f"hugetlb.{one['pageSize']}.limit_in_bytes", str(one["limit"])) for one in limits]


def _net_cls(resources: Json) -> Values:
    out: Values = []
    _add(out, "net_cls.classid", (resources.get("network") or {}).get("classID"))
    return out


def _net_prio(resources: Json) -> Values:
    priorities = (resources.get("network") or {}).get("priorities") or ()
    return [("net_prio.ifpriomap", f"{one['name']} {one['priority']}") for one in priorities]


def rdma(resources: Json) -> Values:
    """The same file on both versions."""
    out: Values = []
    for device, limits in (resources.get("rdma") or {}).items():
        handles = limits.get("hcaHandles")
        objects = limits.get("hcaObjects")
        words = [device]
        words += [f"hca_handle={handles}"] if handles is not None else []
        words += [f"hca_object={objects}"] if objects is not None else []
        out.append(("rdma.max", " ".join(words)))
    return out


def _add(out: Values, file: str, value: int | None) -> None:
    if value:
        out.append((file, str(value)))


_MAKERS: dict[str, Callable[[Json], Values]] = {
    "memory": _memory,
    "cpu": _cpu,
    "cpuset": _cpuset,
    "pids": _pids,
    "blkio": _blkio,
    "devices": _devices,
    "hugetlb": _hugetlb,
    "net_cls": _net_cls,
    "net_prio": _net_prio,
    "rdma": rdma,
}
