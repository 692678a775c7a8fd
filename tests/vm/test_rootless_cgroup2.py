"""Limits of a user's containers on cgroup v2: groups delegated wholly, in part, not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from rootlessd import UID, Rootless

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]
TOP = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
NOT_MOUNTED = "or the cgroup is not mounted. "


@contextmanager
def delegated(name: str, *controllers: str) -> Iterator[Path]:
    """A group of that user as systemd delegates it, with one below it for the user's programs."""
    on = " ".join(f"+{c}" for c in CONTROLLERS)
    (TOP / "cgroup.subtree_control").write_text(on)
    slice = TOP / f"{name}.slice"  # as user.slice: its controllers are what the user gets
    made = slice / "user"
    slice.mkdir()
    (slice / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in controllers))
    (made / "shell").mkdir(parents=True)
    for folder in (made, made / "shell"):
        for file in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(folder / file, UID, UID)
    yield made


@pytest.fixture(scope="module")
def user() -> Iterator[tuple[Rootless, Path]]:
    with (
        delegated("whole", *CONTROLLERS) as group,
        closing(Rootless(group=f"{group}/shell")) as made,
    ):
        made.serve()
        made.orlop("bootstrap", "busybox")
        yield made, group


def run(user: Rootless, *options: str) -> Any:
    return user.orlop("run", "--network", "none", *options, check=False)


def group_of(user: Rootless, name: str) -> Path:
    """As the kernel says."""
    pid = user.orlop("inspect", "-f", "{{.State.Pid}}", name).stdout.strip()
    line = Path(f"/proc/{pid}/cgroup").read_text().strip()
    return TOP / line.removeprefix("0::/")


def test_limits_of_a_user_are_the_kernels(user: tuple[Rootless, Path]) -> None:
    orlop, group = user
    done = run(
        orlop, "-d", "--name", "limited", "--memory", "64m", "--memory-swap", "96m",
        "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "50",
        "--cpuset-cpus", "1", "busybox", "sleep", "1000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    there = group_of(orlop, "limited")
    assert there.parent == group / "orlop"
    found = {
        name: (there / name).read_text().strip()
        for name in (
            "memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "pids.max",
            "cpuset.cpus",
        )
    }  # fmt: skip
    assert found == {
        "memory.max": str(64 << 20),
        "memory.swap.max": str(32 << 20),
        "memory.low": str(32 << 20),
        "cpu.max": "50000 100000",
        "cpu.weight": "59",
        "pids.max": "50",
        "cpuset.cpus": "1",
    }
    orlop.orlop("update", "--memory=80m", "--memory-swap=80m", "--pids-limit=60", "limited")
    assert (there / "memory.max").read_text().strip() == str(80 << 20)
    assert (there / "pids.max").read_text().strip() == "60"
    orlop.orlop("rm", "-f", "limited")
    assert not there.exists()


def test_a_users_container_is_killed_at_its_limit(user: tuple[Rootless, Path]) -> None:
    orlop, _ = user
    eat = "x=a; while true; do x=$x$x$x$x; done"
    limit = ("--memory", "16m", "--memory-swap", "16m")
    done = run(orlop, "--name", "eats", *limit, "busybox", "sh", "-c", eat)
    assert done.returncode == 137, done.stderr
    assert orlop.orlop("inspect", "-f", "{{.State.OOMKilled}}", "eats").stdout == "true\n"
    orlop.orlop("rm", "eats")


def test_a_users_container_gets_no_more_processes(user: tuple[Rootless, Path]) -> None:
    orlop, _ = user
    fork = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo forked"
    done = run(orlop, "--rm", "--pids-limit", "4", "busybox", "sh", "-c", fork)
    assert "can't fork" in done.stderr
    assert "forked" not in done.stdout
    assert run(orlop, "--rm", "busybox", "sh", "-c", fork).stdout == "forked\n"  # the control


def test_a_users_container_is_throttled(user: tuple[Rootless, Path]) -> None:
    orlop, _ = user
    run(
        orlop,
        "-d",
        "--name",
        "spins",
        "--cpus",
        "0.2",
        "busybox",
        "sh",
        "-c",
        "while :; do :; done",
    )
    there = group_of(orlop, "spins")

    def throttled() -> int:
        lines = (there / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["nr_throttled"])

    orlop.orlop("exec", "spins", "sleep", "2")
    assert throttled() > 3
    orlop.orlop("rm", "-f", "spins")


def test_what_was_not_delegated_is_said() -> None:
    """systemd gives a user's manager memory and pids unless it is told more."""
    with delegated("part", "memory", "pids") as group, closing(Rootless(group=str(group))) as user:
        # in the delegated group itself, which both have to leave before it can have limits
        user.serve()
        user.orlop("bootstrap", "busybox")
        info = json.loads(user.docker("info", "-f", "{{json .}}").stdout)
        assert [info[n] for n in ("MemoryLimit", "PidsLimit", "CpuCfsQuota", "CPUSet")] == [
            True, True, False, False,
        ]  # fmt: skip
        done = run(user, "--rm", "-m=64m", "--pids-limit=9", "busybox", "true")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        done = run(user, "--rm", "--cpus=0.5", "busybox", "true")
        assert "NanoCPUs can not be set, as your kernel does not support CPU CFS" in done.stderr
        done = run(user, "--rm", "--cpu-shares=9", "--cpuset-cpus=0", "busybox", "echo", "ran")
        assert done.stdout == "ran\n"
        assert (
            f"Your kernel does not support CPU shares {NOT_MOUNTED}Shares discarded." in done.stderr
        )
        assert f"Your kernel does not support cpuset {NOT_MOUNTED}Cpuset discarded." in done.stderr


def test_without_delegation_limits_are_discarded_with_a_warning() -> None:
    with closing(Rootless()) as user:  # its commands stay in our group, which is root's
        user.serve()
        user.orlop("bootstrap", "busybox")
        info = user.orlop("info", "-f", "{{.CgroupDriver}} {{.MemoryLimit}} {{.Warnings}}").stdout
        assert info.startswith("none false [WARNING: Running in rootless-mode without cgroups. ")
        assert "Systemd is required to enable cgroups in rootless-mode." in info
        limits = ("-m=16m", "--pids-limit=4", "--cpus=0.5")
        done = run(user, "--rm", *limits, "busybox", "cat", "/proc/self/cgroup")
        assert done.returncode == 0
        for what in ("memory", "PIDs", "CPU"):
            said = f"Your kernel does not support {what} limit capabilities {NOT_MOUNTED}"
            assert f"{said}Limitation discarded." in done.stderr
