"""Mounts of running containers, over the docker CLI: what shows on the host, and what stays."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root


def until(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, what
        select([], [], [], 0.02)


def mounted(path: Path | str) -> bool:
    table = Path("/proc/self/mountinfo").read_text()
    return any(line.split()[4] == str(path) for line in table.splitlines())


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A private tmpfs with another one in it."""
    top = tmp_path / "top"
    for place in (top, top / "in"):
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "t", str(place)], check=True)
    subprocess.run(["mount", "--make-rprivate", str(top)], check=True)
    yield top
    subprocess.run(["umount", "-R", str(top)], check=True)


def test_an_image_is_mounted_while_the_container_runs(own_orlopd: Daemon) -> None:
    docker = own_orlopd.docker
    layers = own_orlopd.data_root / "image/overlay2/layerdb/mounts"
    before = set(layers.iterdir())
    docker("tag", "busybox", "shown:1")
    own_orlopd.orlop(  # docker CLIs before 28 refuse the type themselves
        "run", "-d", "--name", "im1", "--mount", "type=image,src=shown:1,dst=/deep/in",
        "busybox", "sleep", "600",
    )  # fmt: skip
    source = docker("inspect", "-f", "{{(index .Mounts 0).Source}}", "im1").stdout.strip()
    assert (Path(source) / "bin/sh").exists()
    refused = docker("exec", "im1", "touch", "/deep/in/x", check=False)
    assert "Read-only file system" in refused.stderr
    own_orlopd.kill()
    own_orlopd.start()
    assert docker("exec", "im1", "ls", "-d", "/deep/in/bin").stdout == "/deep/in/bin\n"
    docker("stop", "-t", "0", "im1")
    until(lambda: not mounted(source), "the image's mount goes with the run")
    docker("start", "im1")
    assert mounted(source)
    docker("rm", "-f", "im1")
    until(lambda: set(layers.iterdir()) == before, "its layer goes with the container")
    assert not Path(source).parent.exists()


def test_a_volume_with_a_mount_is_mounted_while_one_runs(own_orlopd: Daemon) -> None:
    docker = own_orlopd.docker
    docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "tv")
    place = own_orlopd.data_root / "volumes/tv/_data"
    for name in ("tv1", "tv2"):
        docker("run", "-d", "--name", name, "-v", "tv:/v", "busybox", "sleep", "600")
    docker("exec", "tv1", "sh", "-c", "echo kept > /v/f")
    docker("stop", "-t", "0", "tv1")
    assert docker("exec", "tv2", "cat", "/v/f").stdout == "kept\n"
    own_orlopd.kill()
    own_orlopd.start()
    docker("run", "--rm", "-v", "tv:/v", "busybox", "true")
    assert mounted(place)  # tv2 has it, started by the daemon before
    assert docker("exec", "tv2", "cat", "/v/f").stdout == "kept\n"
    docker("stop", "-t", "0", "tv2")
    until(lambda: not mounted(place), "the last one takes the mount along")
    docker("rm", "tv1", "tv2")


def test_a_shared_mount_is_needed_and_works(orlopd: Daemon, tree: Path) -> None:
    bind = ("run", "-d", "--name", "sh1", "-v", f"{tree}:/m:rshared", "busybox", "sleep", "600")
    refused = orlopd.docker(*bind, check=False)
    assert refused.returncode == 125
    assert (
        f"Error response from daemon: path {tree} is mounted on {tree} but it is not a shared mount"
    ) in refused.stderr
    orlopd.docker("rm", "sh1")
    subprocess.run(["mount", "--make-shared", str(tree)], check=True)
    try:
        orlopd.docker(*bind)
        (tree / "late").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "t", str(tree / "late")], check=True)
        (tree / "late" / "file").touch()
        assert orlopd.docker("exec", "sh1", "ls", "/m/late").stdout == "file\n"
    finally:
        orlopd.docker("rm", "-f", "sh1")


@pytest.mark.parametrize(
    ("options", "top", "below"),
    [
        ("ro", False, False),
        ("ro,bind-recursive=writable", False, True),
        ("ro,bind-recursive=readonly,bind-propagation=rprivate", False, False),
        ("bind-recursive=enabled", True, True),
    ],
)
def test_recursion(orlopd: Daemon, tree: Path, options: str, top: bool, below: bool) -> None:
    script = "touch /m/a && echo top; touch /m/in/b && echo below"
    out = orlopd.orlop(
        "run", "--rm", "--mount", f"type=bind,src={tree},dst=/m,{options}",
        "busybox", "sh", "-c", script, check=False,
    ).stdout  # fmt: skip
    assert out == "top\n" * top + "below\n" * below


def test_without_recursion_nothing_below_shows(orlopd: Daemon, tree: Path) -> None:
    (tree / "in" / "file").touch()
    out = orlopd.orlop(
        "run", "--rm", "--mount", f"type=bind,src={tree},dst=/m,bind-recursive=disabled",
        "busybox", "ls", "/m/in",
    ).stdout  # fmt: skip
    assert out == ""


def test_a_subpath_never_leaves_its_volume(orlopd: Daemon, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "secret").touch()
    orlopd.docker(
        "run", "--rm", "-v", "sub1:/v", "busybox", "sh", "-c",
        f"ln -s {canary} /v/abs; ln -s ../../../../../../../..{canary} /v/up; mkdir -p /v/ok/dir",
    )  # fmt: skip
    for path, shown in (("ok", "dir\n"), ("abs", ""), ("up", "")):
        done = orlopd.orlop(
            "run", "--rm", "--mount", f"type=volume,src=sub1,dst=/m,volume-subpath={path}",
            "busybox", "ls", "/m", check=False,
        )  # fmt: skip
        assert done.stdout == shown
        assert (done.returncode == 0) is (path == "ok")
        if path != "ok":
            assert "path concatenation escapes the base directory" in done.stderr
    orlopd.docker("volume", "rm", "sub1")


def test_a_subpath_is_what_a_copy_of_a_stopped_container_sees(orlopd: Daemon) -> None:
    fill = "mkdir /v/part; echo part > /v/part/in; echo all > /v/out"
    orlopd.docker("run", "--rm", "-v", "sub2:/v", "busybox", "sh", "-c", fill)
    flag = "type=volume,src=sub2,dst=/m,volume-subpath=part"
    id = orlopd.orlop("create", "--mount", flag, "busybox").stdout.strip()
    found = orlopd.docker("cp", f"{id}:/m/.", "-", text=False).stdout
    assert b"part\n" in found
    assert b"all\n" not in found
    orlopd.docker("rm", id)
    orlopd.docker("volume", "rm", "sub2")
