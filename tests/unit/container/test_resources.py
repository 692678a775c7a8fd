"""Limits where the host has only some of the controllers: what is discarded, in Docker's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import INFO

from orlop.container import resources, sysinfo
from orlop.errors import InvalidArgument

NO = "Your kernel does not support "
SAID = "or the cgroup is not mounted. "


@pytest.mark.parametrize(
    ("missing", "host", "words", "left"),
    [
        ("memory", {"Memory": 1 << 26, "MemorySwap": 1 << 27},
         f"{NO}memory limit capabilities {SAID}Limitation discarded.",
         {"Memory": 0, "MemorySwap": -1}),
        ("memory", {"MemoryReservation": 1 << 26},
         f"{NO}memory soft limit capabilities {SAID}Limitation discarded.",
         {"MemoryReservation": 0}),
        ("pids_limit", {"PidsLimit": 9},
         f"{NO}PIDs limit capabilities {SAID}PIDs limit discarded.", {"PidsLimit": None}),
        ("cpu_shares", {"CpuShares": 9}, f"{NO}CPU shares {SAID}Shares discarded.",
         {"CpuShares": 0}),
        ("cpu_cfs", {"CpuPeriod": 5000, "CpuQuota": 5},
         f"{NO}CPU CFS scheduler. CPU period/quota discarded.", {"CpuPeriod": 0, "CpuQuota": 0}),
        ("cpuset", {"CpusetCpus": "0", "CpusetMems": "77"},
         f"{NO}cpuset {SAID}Cpuset discarded.", {"CpusetCpus": "", "CpusetMems": ""}),
        ("io_limits", {"BlkioDeviceReadBps": [{"Path": "/dev/vda", "Rate": 1}]},
         f"{NO}BPS Block I/O read limit {SAID}Block I/O BPS read limit discarded.",
         {"BlkioDeviceReadBps": []}),
        ("io_limits", {"BlkioDeviceWriteIOps": [{"Path": "/dev/vda", "Rate": 1}]},
         f"{NO}IOPS Block write limit {SAID}Block I/O IOPS write limit discarded.",
         {"BlkioDeviceWriteIOps": []}),
    ],
)  # fmt: skip
def test_a_limit_without_its_controller_is_discarded(
    missing: str, host: dict[str, Any], words: str, left: dict[str, Any]
) -> None:
    given = dict(host)
    assert resources.check(given, replace(INFO, **{missing: False})) == [words]  # type: ignore[arg-type]
    assert given == left


def test_cpus_without_the_controller_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="NanoCPUs can not be set, as your kernel"):
        resources.check({"NanoCpus": 5 * 10**8}, replace(INFO, cpu_cfs=False))


def test_a_part_of_the_v2_tree_has_its_own_controllers(tmp_path: Path) -> None:
    """A user's group: not what the host's top has."""
    (tmp_path / "cgroup.controllers").write_text("memory pids\n")
    found = sysinfo.detect(tmp_path)
    assert found.unified
    assert (found.memory, found.pids_limit) == (True, True)
    assert not any((found.cpu_cfs, found.cpu_shares, found.cpuset, found.io_limits))
    assert found.cpuset_cpus  # the host's, where the group names none
