"""Confinement by AppArmor, on a kernel that has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

_CURRENT = "/proc/self/attr/current"


def run(daemon: Daemon, *options: str) -> Any:
    return daemon.docker("run", "--network", "none", *options, check=False, timeout=120)


def test_the_profile_is_loaded(orlopd: Daemon) -> None:
    assert run(orlopd, "--rm", "busybox", "true").returncode == 0
    loaded = Path("/sys/kernel/security/apparmor/profiles").read_text()
    assert "orlop-default (enforce)" in loaded
    info = json.loads(orlopd.docker("info", "--format", "{{json .}}").stdout)
    assert "name=apparmor" in info["SecurityOptions"]


def test_containers_and_execs_are_confined(orlopd: Daemon) -> None:
    done = run(orlopd, "-d", "--name", "confined", "busybox", "sleep", "1000")
    assert done.returncode == 0, done.stderr
    inspected = json.loads(orlopd.docker("inspect", "confined").stdout)[0]
    assert inspected["AppArmorProfile"] == "orlop-default"
    pid = inspected["State"]["Pid"]
    assert Path(f"/proc/{pid}/attr/current").read_text().strip() == "orlop-default (enforce)"
    done = orlopd.docker("exec", "confined", "cat", _CURRENT)
    assert done.stdout.strip() == "orlop-default (enforce)"
    orlopd.docker("rm", "-f", "confined")


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        (["--security-opt", "apparmor=unconfined"], "unconfined"),
        (["--privileged"], "unconfined"),
        (["--privileged", "--security-opt", "apparmor=orlop-default"], "orlop-default (enforce)"),
    ],
)
def test_who_is_not(orlopd: Daemon, options: list[str], profile: str) -> None:
    done = run(orlopd, "--rm", *options, "busybox", "cat", _CURRENT)
    assert done.stdout.strip("\0\n ") == profile, done.stderr


def test_what_it_denies(orlopd: Daemon) -> None:
    """With every capability and no seccomp, AppArmor alone stands in the way; and the control."""
    attack = (
        "mkdir -p /mnt; mount -t tmpfs tmpfs /mnt 2>/dev/null && echo mounted; "
        "echo core >/proc/sys/kernel/core_pattern"
    )
    open_door = ["--cap-add", "ALL", "--security-opt", "seccomp=unconfined",
                 "--security-opt", "systempaths=unconfined"]  # fmt: skip
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    run(orlopd, "--rm", *open_door, "busybox", "sh", "-c", attack)
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    done = run(orlopd, "--rm", *open_door, "busybox", "sh", "-c", attack)
    assert "mounted" not in done.stdout
    unconfined = [*open_door, "--security-opt", "apparmor=unconfined"]
    done = run(orlopd, "--rm", *unconfined, "busybox", "sh", "-c", attack)
    assert "mounted" in done.stdout


def test_an_unknown_profile(orlopd: Daemon) -> None:
    done = run(orlopd, "--rm", "--security-opt", "apparmor=nosuch", "busybox", "true")
    assert done.returncode == 127  # what the docker CLI makes of "no such file or directory"
    assert "apparmor" in done.stderr
    assert "no such file or directory" in done.stderr
