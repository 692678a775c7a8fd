"""Hostile bundles and hostile insides, against orlop-runtime: S15, S18, S19, S22, S23, S24, S27."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime, make
from canary import Canary

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with closing(Runtime("orlop-runtime", tmp_path / "state")) as made:
        yield made


@pytest.fixture
def id() -> str:
    return f"hostile-{uuid.uuid4().hex[:12]}"


def replace(bundle: Path, name: str, target: Path | str) -> None:
    place = bundle / "rootfs" / name
    shutil.rmtree(place)
    place.symlink_to(target)


def is_read_only(pid: int) -> bool:
    return bool(os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_RDONLY)


def test_the_waiting_process_is_a_read_only_interpreter(
    runtime: Runtime, tmp_path: Path, id: str
) -> None:
    """S22: whoever reopens /proc/PID/exe of it for writing gets EROFS."""
    runtime.create(id, make(tmp_path / "b"))
    pid = runtime.state(id)["pid"]
    python = os.stat(os.path.realpath("/usr/bin/python3"))
    assert os.stat(f"/proc/{pid}/exe").st_ino == python.st_ino
    assert is_read_only(pid)
    plain = subprocess.Popen(["/usr/bin/python3", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert not is_read_only(plain.pid)  # control: an ordinary process does not
    finally:
        assert plain.stdin
        plain.stdin.close()
        plain.wait()


def test_the_waiting_process_shows_nothing_to_others(
    runtime: Runtime, tmp_path: Path, id: str
) -> None:
    """S22, S24: it is not dumpable, and holds no more than stdio, its socket and the FIFO."""
    runtime.create(id, make(tmp_path / "b", process={"user": {"uid": 7, "gid": 7}}))
    pid = runtime.state(id)["pid"]
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0  # control below: dumpable it is 7's
    targets = sorted(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    others = [t for t in targets if "/b/" not in t and t != "/dev/null"]
    assert [t.partition("[")[0] for t in others if "fifo" not in t] == ["socket:"]
    bundle = make(tmp_path / "c", "sleep", "100", process={"user": {"uid": 7, "gid": 7}})
    runtime.create(id + "c", bundle)
    runtime.ok("start", id + "c")
    pid = runtime.state(id + "c")["pid"]
    while b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        os.sched_yield()
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 7


@pytest.mark.parametrize("verb", ["run", "exec"])
def test_working_directory_of_a_leaked_descriptor(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary, verb: str
) -> None:
    """S23 (CVE-2024-21626): /proc/self/fd/N leads nowhere outside."""
    bundle = make(tmp_path / "b", "sleep", "100")
    runtime.create(id, bundle)
    runtime.ok("start", id)
    for number in range(3, 12):
        cwd = f"/proc/self/fd/{number}"
        if verb == "exec":
            done = runtime.call(
                "exec", "--cwd", cwd, id, "sh", "-c", "ls; cat ../../../../etc/hostname"
            )
        else:
            shutil.rmtree(tmp_path / "x", ignore_errors=True)
            done = runtime.run(make(tmp_path / "x", "ls", process={"cwd": cwd}), f"{id}-{number}")
        assert done.returncode != 0, (cwd, done.stdout)
        assert done.stdout == ""
    control = runtime.call("exec", "--cwd", "/tmp", id, "sh", "-c", "echo $PWD")
    assert control.stdout == "/tmp\n"
    assert canary.snapshot() == canary.before


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_proc_and_sysfs_do_not_follow_links(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary, name: str
) -> None:
    bundle = make(tmp_path / "b", "ls", "/")
    replace(bundle, name, canary.base / "dir")
    done = runtime.run(bundle, id)
    assert done.returncode == 1
    assert "must be mounted on ordinary directory" in done.stderr
    assert canary.snapshot() == canary.before
    assert runtime.run(make(tmp_path / "c", "ls", "/"), id).returncode == 0  # control


@pytest.mark.parametrize("target", ["absolute", "../../../../../../../.."])
def test_dev_that_is_a_link_stays_in_the_rootfs(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary, target: str
) -> None:
    """S18: device nodes and mounts land inside, or the start fails."""
    bundle = make(tmp_path / "b", "ls", "-ld", "/dev/null")
    outside = canary.base / "dir"
    where = str(outside) if target == "absolute" else target + str(outside)
    replace(bundle, "dev", where)
    runtime.run(bundle, id)
    assert canary.snapshot() == canary.before
    assert not (outside / "null").exists()


def test_masked_paths_behind_a_false_null_device(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary
) -> None:
    """S15 (CVE-2025-31133): /dev/null of the image is a link to a file of the host's."""
    bundle = make(tmp_path / "b", "cat", "/etc/passwd", linux={"maskedPaths": ["/etc/passwd"]})
    spec: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/dev")]
    (bundle / "config.json").write_text(json.dumps(spec))
    (bundle / "rootfs" / "dev" / "null").symlink_to(canary.base / "secret")
    done = runtime.run(bundle, id)
    assert done.returncode != 0
    assert "canary" not in done.stdout + done.stderr
    assert canary.snapshot() == canary.before
    (bundle / "rootfs" / "dev" / "null").unlink()
    control = runtime.run(bundle, id)
    assert (control.returncode, control.stdout) == (0, "")


@pytest.mark.parametrize("name", ["console", "null", "ptmx"])
def test_a_place_of_dev_that_is_a_link_to_what_is_not_there(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary, name: str
) -> None:
    """S16, S18 (CVE-2026-88264, CVE-2026-88265): no file of the host's is made, opened or given
    away at the far end of a link that the image has there."""
    bundle = make(
        tmp_path / "b", "sh", "-c", "ls -l /dev; echo > /dev/null",
        process={"terminal": True, "user": {"uid": 7, "gid": 7}},
    )  # fmt: skip
    spec: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    spec["mounts"] = [
        m for m in spec["mounts"] if not m["destination"].startswith("/dev") or "pts" in str(m)
    ]
    (bundle / "config.json").write_text(json.dumps(spec))
    place = bundle / "rootfs" / "dev" / name
    for target in (canary.base / "dir" / "new", canary.base / "secret"):
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        listener = socket.socket(socket.AF_UNIX)
        with listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen()
            runtime.made.append(id)
            console = ("--console-socket", str(tmp_path / "s"))
            if runtime.call("create", "-b", str(bundle), *console, id).returncode == 0:
                runtime.ok("start", id)
            runtime.call("delete", "--force", id)
        (tmp_path / "s").unlink()
        assert canary.intact()
        # the control: who makes or gives it by its path
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT))
        os.chown(place, 7, 7)
        assert not canary.intact()
        os.chown(place, 0, 0)
        (canary.base / "dir" / "new").unlink(missing_ok=True)
        canary.before = canary.snapshot()


def test_bind_target_behind_a_link_stays_inside(
    runtime: Runtime, tmp_path: Path, id: str, canary: Canary
) -> None:
    """S19: the target is made in the rootfs, whatever the image's links say."""
    source = tmp_path / "source"
    source.write_text("bound\n")
    entry = {"destination": "/data/deep/file", "type": "bind", "source": str(source),
             "options": ["bind"]}  # fmt: skip
    bundle = make(tmp_path / "b", "cat", "/data/deep/file", mounts=[entry])
    replace(bundle, "data", canary.base / "dir")
    done = runtime.run(bundle, id)
    assert done.stdout in ("bound\n", "")
    assert canary.snapshot() == canary.before


def test_capabilities_and_groups_of_another_user(runtime: Runtime, tmp_path: Path, id: str) -> None:
    """S27, S28: nothing inheritable or ambient, nothing effective for a user other than root."""
    user = {"uid": 7, "gid": 8, "additionalGids": [9]}
    bundle = make(tmp_path / "b", "cat", "/proc/self/status", process={"user": user})
    found = dict(
        line.split(":\t", 1)
        for line in runtime.run(bundle, id).stdout.splitlines()
        if ":\t" in line
    )
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert found[name] == "0" * 16
    assert found["Groups"].split() == ["9"]
    assert found["CapBnd"] == "0000000020000420"


def test_the_state_directory_is_roots_alone(runtime: Runtime, tmp_path: Path, id: str) -> None:
    runtime.create(id, make(tmp_path / "b"))
    assert (runtime.root / id).stat().st_mode & 0o777 == 0o700
    assert (runtime.root / id / "exec.fifo").stat().st_mode & 0o777 == 0o600
