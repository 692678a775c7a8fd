"""Containers on the drivers that are not the usual one, end to end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon
from stores import filesystem

pytestmark = pytest.mark.root


@pytest.fixture(params=["vfs", "fuse-overlayfs", "btrfs", "zfs"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    kind = request.param if request.param in ("btrfs", "zfs") else ""
    with filesystem(kind, tmp_path) as root:
        made = Daemon(f"--storage-driver={request.param}", name="driver")
        if kind:
            made.data_root = root / "data"
        made.start()
        try:
            made.orlop("bootstrap", "busybox")
            yield made
        finally:
            made.close()


def test_a_containers_life(daemon: Daemon) -> None:
    name = daemon.flags[0].partition("=")[2]
    assert daemon.docker("info", "-f", "{{.Driver}}").stdout == f"{name}\n"
    daemon.docker("run", "--name", "one", "busybox", "sh", "-c", "echo hi > /new; rm /etc/group")
    changes = daemon.docker("diff", "one").stdout.splitlines()
    assert sorted(changes) == ["A /new", "C /etc", "D /etc/group"]
    daemon.docker("commit", "one", "made")
    script = "cat /new; ls /etc/group"
    out = daemon.docker("run", "--rm", "made", "sh", "-c", script, check=False)
    assert out.stdout == "hi\n"
    assert out.returncode == 1
    saved = subprocess.run(
        ["docker", "-H", daemon.host, "save", "made"], capture_output=True, check=True
    ).stdout
    daemon.docker("rm", "one")
    daemon.docker("rmi", "made")
    subprocess.run(["docker", "-H", daemon.host, "load"], input=saved, check=True)
    again = subprocess.run(
        ["docker", "-H", daemon.host, "save", "made"], capture_output=True, check=True
    ).stdout
    assert again == saved
    inspected = daemon.docker("inspect", "-f", "{{.GraphDriver.Name}}", "made").stdout
    assert inspected == f"{name}\n"


def test_containers_outlive_the_daemon(daemon: Daemon) -> None:
    daemon.docker("run", "-d", "--name", "one", "busybox", "sleep", "300")
    daemon.docker("exec", "one", "sh", "-c", "echo kept > /x")
    daemon.kill()
    daemon.start()
    assert daemon.docker("exec", "one", "cat", "/x").stdout == "kept\n"
    daemon.docker("restart", "-t", "0", "one")
    assert daemon.docker("exec", "one", "cat", "/x").stdout == "kept\n"
    daemon.docker("rm", "-f", "one")


def test_layers_are_mounted_again_after_a_boot(tmp_path: Path) -> None:
    """zfs: no table of mounts outlives the machine."""
    with filesystem("zfs", tmp_path) as root:
        daemon = Daemon("--storage-driver=zfs", name="driver")
        daemon.data_root = root / "data"
        daemon.start()
        try:
            daemon.orlop("bootstrap", "busybox")
            daemon.docker("run", "--name", "one", "busybox", "sh", "-c", "echo kept > /x")
            daemon.kill()
            graph = daemon.data_root / "zfs/graph"
            for tree in sorted(graph.iterdir()):
                subprocess.run(["umount", "-l", str(tree)], check=True)
            (graph / "left-by-a-crash").mkdir()
            daemon.start()
            assert daemon.docker("cp", "one:/x", "-").stdout.find("kept") > 0
            assert not (graph / "left-by-a-crash").exists()
            assert "are missing" not in daemon.orlop("system", "check").stdout
        finally:
            daemon.close()
