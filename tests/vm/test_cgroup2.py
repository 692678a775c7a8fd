"""Limits of containers on a host with cgroup v2 alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
TOP = Path("/sys/fs/cgroup")


@pytest.fixture(scope="module")
def daemon(orlopd: Daemon) -> Iterator[Daemon]:
    assert (TOP / "cgroup.controllers").exists()
    return orlopd


def run(daemon: Daemon, *options: str) -> Any:
    return daemon.docker("run", "--network", "none", *options, check=False, timeout=120)


def inspect(daemon: Daemon, name: str) -> Any:
    return json.loads(daemon.docker("inspect", name).stdout)[0]


def group(daemon: Daemon, name: str) -> Path:
    """The container's control group, as the kernel says."""
    pid = inspect(daemon, name)["State"]["Pid"]
    line = Path(f"/proc/{pid}/cgroup").read_text().strip()
    assert line.startswith("0::/")
    return TOP / line[4:]


def test_info(daemon: Daemon) -> None:
    info = json.loads(daemon.docker("info", "--format", "{{json .}}").stdout)
    assert info["CgroupVersion"] == "2"
    assert info["CgroupDriver"] == "cgroupfs"
    for limit in ("MemoryLimit", "PidsLimit", "CpuCfsQuota", "CPUShares", "CPUSet"):
        assert info[limit], limit
    assert info["OomKillDisable"] is False
    assert "name=cgroupns" in info["SecurityOptions"]


def test_limits_are_the_kernels(daemon: Daemon) -> None:
    run(
        daemon, "-d", "--name", "limited", "--memory", "64m", "--memory-swap", "96m",
        "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "50",
        "--cpuset-cpus", "1", "--blkio-weight", "300", "busybox", "sleep", "1000",
    )  # fmt: skip
    there = group(daemon, "limited")
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
        "cpu.weight": "59",  # 512 shares, as runc converts since 1.3.2
        "pids.max": "50",
        "cpuset.cpus": "1",
    }
    assert (TOP / "orlop").is_dir()
    daemon.docker(
        "update", "--memory", "80m", "--memory-swap", "80m", "--pids-limit", "60", "limited"
    )
    assert (there / "memory.max").read_text().strip() == str(80 << 20)
    assert (there / "memory.swap.max").read_text().strip() == "0"
    assert (there / "pids.max").read_text().strip() == "60"
    daemon.docker("rm", "-f", "limited")
    assert not there.exists()


def test_out_of_memory(daemon: Daemon) -> None:
    eat = "x=a; while true; do x=$x$x$x$x; done"
    done = run(
        daemon,
        "--name",
        "eats",
        "--memory",
        "16m",
        "--memory-swap",
        "16m",
        "busybox",
        "sh",
        "-c",
        eat,
    )
    assert done.returncode == 137
    state = inspect(daemon, "eats")["State"]
    assert state["OOMKilled"] is True
    daemon.docker("rm", "eats")


def test_no_more_processes(daemon: Daemon) -> None:
    fork = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo forked"
    done = run(daemon, "--rm", "--pids-limit", "4", "busybox", "sh", "-c", fork)
    assert "can't fork" in done.stderr
    assert "forked" not in done.stdout


def test_devices(daemon: Daemon) -> None:
    """By a BPF program: there is no devices controller."""
    make = "mknod /tmp/d b 7 0; cat /tmp/d"
    done = run(daemon, "--rm", "busybox", "sh", "-c", make)
    assert done.returncode == 1
    assert "Operation not permitted" in done.stderr
    for device in ("null", "zero", "urandom"):
        read = f"head -c 1 /dev/{device} | wc -c"
        assert run(daemon, "--rm", "busybox", "sh", "-c", read).stderr == ""
    allowed = "mknod /tmp/d c 4 64 && : </tmp/d"  # the serial port
    rule = "--device-cgroup-rule=c 4:64 rwm"
    assert run(daemon, "--rm", "busybox", "sh", "-c", allowed).returncode != 0  # the control
    assert run(daemon, "--rm", rule, "busybox", "sh", "-c", allowed).returncode == 0
    assert run(daemon, "--rm", "--privileged", "busybox", "sh", "-c", allowed).returncode == 0


def test_pause_and_stats_and_kill(daemon: Daemon) -> None:
    run(daemon, "-d", "--name", "held", "busybox", "sh", "-c", "while :; do :; done")
    there = group(daemon, "held")
    daemon.docker("pause", "held")
    assert "frozen 1" in (there / "cgroup.events").read_text()
    assert inspect(daemon, "held")["State"]["Status"] == "paused"
    daemon.docker("unpause", "held")
    assert "frozen 0" in (there / "cgroup.events").read_text()
    shown = daemon.docker("stats", "--no-stream", "--format", "{{json .}}", "held", timeout=120)
    row = json.loads(shown.stdout)
    assert float(row["CPUPerc"].rstrip("%")) > 5
    assert row["PIDs"] == "1"
    daemon.docker("exec", "-d", "held", "sleep", "1000")
    daemon.docker("rm", "-f", "held")
    assert not there.exists()


def test_the_container_sees_its_own_group(daemon: Daemon) -> None:
    """A private cgroup namespace is the default here, read-only unless privileged."""
    done = run(
        daemon, "--rm", "busybox", "sh", "-c", "cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x"
    )
    assert done.stdout == "0::/\n"
    assert "Read-only file system" in done.stderr
    shared = run(daemon, "--rm", "--cgroupns", "host", "busybox", "cat", "/proc/self/cgroup")
    assert shared.stdout.startswith("0::/orlop/")


def test_an_exec_is_in_the_group(daemon: Daemon) -> None:
    run(daemon, "-d", "--name", "home", "busybox", "sleep", "1000")
    done = daemon.docker("exec", "home", "cat", "/proc/self/cgroup")
    assert done.stdout == "0::/\n"
    assert len((group(daemon, "home") / "cgroup.procs").read_text().split()) == 1
    daemon.docker("rm", "-f", "home")
