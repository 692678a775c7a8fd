"""What this host's kernel and cgroups can do, as far as create and update must know it.

Read once; files that are missing mean "cannot".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class SysInfo:
    cpus: int
    cpuset_cpus: str  # the kernel's list, such as "0-3,8"
    cpuset_mems: str
    unified: bool  # cgroup v2 only
    swap_limit: bool = True
    memory_swappiness: bool = True
    oom_kill_disable: bool = True
    blkio_weight: bool = True
    cpu_realtime: bool = True
    pids_limit: bool = True
    memory: bool = True
    cpu_shares: bool = True
    cpu_cfs: bool = True
    cpuset: bool = True
    io_limits: bool = True
    cgroups: bool = True  # there are hierarchies that we may make groups in


def _text(path: str | Path, default: str = "") -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return default


def detect(root: Path = _CGROUP) -> SysInfo:
    """`root`: of the tree that containers are put in, for a user the group that is delegated."""
    cpus = _text("/sys/devices/system/cpu/online") or f"0-{(os.cpu_count() or 1) - 1}"
    mems = _text("/sys/devices/system/node/online", "0")
    count = len(os.sched_getaffinity(0)) or os.cpu_count() or 1
    if (root / "cgroup.controllers").exists():
        controllers = _text(root / "cgroup.controllers").split()
        return SysInfo(
            cpus=count,
            cpuset_cpus=_text(root / "cpuset.cpus.effective") or cpus,
            cpuset_mems=_text(root / "cpuset.mems.effective") or mems,
            unified=True,
            swap_limit="memory" in controllers and Path("/proc/swaps").exists(),
            memory_swappiness=False,
            oom_kill_disable=False,
            blkio_weight="io" in controllers and (root / "io.bfq.weight").exists(),
            cpu_realtime=False,
            pids_limit="pids" in controllers,
            memory="memory" in controllers,
            cpu_shares="cpu" in controllers,
            cpu_cfs="cpu" in controllers,
            cpuset="cpuset" in controllers,
            io_limits="io" in controllers,
        )
    memory, cpu, blkio = root / "memory", root / "cpu", root / "blkio"
    return SysInfo(
        cpus=count,
        cpuset_cpus=_text(root / "cpuset" / "cpuset.cpus") or cpus,
        cpuset_mems=_text(root / "cpuset" / "cpuset.mems") or mems,
        unified=False,
        swap_limit=(memory / "memory.memsw.limit_in_bytes").exists(),
        memory_swappiness=(memory / "memory.swappiness").exists(),
        oom_kill_disable=(memory / "memory.oom_control").exists(),
        blkio_weight=(blkio / "blkio.weight").exists(),
        cpu_realtime=(cpu / "cpu.rt_period_us").exists(),
        pids_limit=(root / "pids").exists(),
        memory=(memory / "memory.limit_in_bytes").exists(),
        cpu_shares=(cpu / "cpu.shares").exists(),
        cpu_cfs=(cpu / "cpu.cfs_quota_us").exists(),
        cpuset=(root / "cpuset" / "cpuset.cpus").exists(),
        io_limits=(blkio / "blkio.throttle.read_bps_device").exists(),
    )
