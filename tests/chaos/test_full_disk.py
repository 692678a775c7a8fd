"""A data root without room: calls fail in Docker's words, the daemon stays, and what makes room
works at zero bytes. Judged on a small filesystem of its own, filled to a given number of bytes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon
from interrupting import consistent, strays

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]

FULL = os.environ.get("ORLOP_CHAOS") == "full"
POINTS = 50 if FULL else 6
_SIZE = 48 << 20
_WORDS = "no space left on device"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="orlop-full-", dir="/var/tmp") as where:
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", where]
        subprocess.run(command, check=True)
        made = Daemon(name="full")
        made.data_root = Path(where, "data")
        try:
            made.start()
            made.orlop("bootstrap", "busybox")
            yield made
        finally:
            filler(made).unlink(missing_ok=True)
            made.close()
            subprocess.run(["umount", "-l", where], check=True)


def filler(daemon: Daemon) -> Path:
    return daemon.data_root.parent / "filler"


def fill(daemon: Daemon, left: int) -> None:
    """Leave this many bytes."""
    filler(daemon).unlink(missing_ok=True)
    with filler(daemon).open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            pass
        try:
            file.close()
        except OSError:
            pass
    size = filler(daemon).stat().st_size
    os.truncate(filler(daemon), max(0, size - left))


def free(daemon: Daemon) -> int:
    state = os.statvfs(daemon.data_root)
    return state.f_bavail * state.f_frsize


def archive(daemon: Daemon) -> Path:
    """Of an image with one more layer of 4 MB in 200 files; the image itself is gone."""
    script = "for i in $(seq 200); do head -c 20000 /dev/urandom > /f$i; done"
    daemon.docker("run", "--name", "source", "busybox", "sh", "-c", script)
    daemon.docker("commit", "source", "some:1")
    path = daemon.base / "some.tar"
    daemon.docker("save", "-o", str(path), "some:1")
    daemon.docker("rm", "source")
    daemon.docker("rmi", "some:1")
    return path


def alive(daemon: Daemon) -> None:
    assert daemon.process
    assert daemon.process.poll() is None
    daemon.docker("version")
    daemon.docker("ps", "-a")


def test_loading_into_less_and_less(daemon: Daemon) -> None:
    path = archive(daemon)
    failed = 0
    for point in range(POINTS):
        fill(daemon, point * (24 << 20) // POINTS)
        done = daemon.docker("load", "-i", str(path), check=False)
        alive(daemon)
        listed = daemon.docker("images", "-q", "some:1").stdout.strip()
        assert bool(listed) == (done.returncode == 0), done.stderr
        if done.returncode:
            failed += 1
            assert _WORDS in done.stderr, done.stderr
        filler(daemon).unlink()
        if listed:
            daemon.docker("rmi", "some:1")
    assert 0 < failed < POINTS
    daemon.docker("load", "-i", str(path))
    daemon.orlop("image", "verify", "some:1")
    consistent(daemon)


def test_nothing_left_and_everything_asked(daemon: Daemon) -> None:
    daemon.docker("run", "-d", "--name", "old", "busybox", "sleep", "1000")
    daemon.docker("volume", "create", "old")
    daemon.docker("tag", "busybox", "second:1")
    fill(daemon, 0)
    assert free(daemon) == 0
    for call in (
        ("create", "--name", "new", "busybox"),
        ("run", "--rm", "busybox", "true"),
        ("volume", "create", "--label", "a=b", "new"),
        ("network", "create", "new"),
        ("commit", "old", "new:1"),
        ("tag", "busybox", "new:1"),
        ("rename", "old", "older"),
        ("cp", "/bin/busybox", "old:/copy"),
    ):
        done = daemon.docker(*call, check=False)
        assert done.returncode, call
        assert _WORDS in done.stderr, (call, done.stderr)
        alive(daemon)
        assert strays(daemon) == set(), call
    assert daemon.docker("exec", "old", "echo", "works").stdout == "works\n"
    names = daemon.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert names == ["old"]
    # Making room needs none.
    daemon.docker("rm", "-f", "old")
    daemon.docker("volume", "rm", "old")
    daemon.docker("rmi", "second:1")
    daemon.docker("system", "prune", "-af")
    alive(daemon)
    filler(daemon).unlink()
    assert daemon.docker("images", "-q").stdout == ""
    daemon.orlop("bootstrap", "busybox")
    assert daemon.docker("run", "--rm", "busybox", "echo", "again").stdout == "again\n"
    consistent(daemon)


def test_a_daemon_that_starts_on_a_full_disk(daemon: Daemon) -> None:
    daemon.docker("run", "-d", "--name", "old", "busybox", "sleep", "1000")
    daemon.kill()
    fill(daemon, 0)
    daemon.start()
    alive(daemon)
    assert daemon.docker("exec", "old", "echo", "works").stdout == "works\n"
    daemon.docker("rm", "-f", "old")
    daemon.docker("rmi", "busybox")


def test_a_log_that_has_no_room(daemon: Daemon) -> None:
    """The container goes on; what came when there was no room is not in the log."""
    script = "echo first; read x; echo lost; read x; echo last; sleep 1000"
    daemon.docker("run", "-dit", "--name", "one", "busybox", "sh", "-c", script)
    daemon.docker("run", "-d", "--name", "two", "busybox", "sh", "-c",
                  "while :; do echo 0123456789012345678901234567890123456789; done")  # fmt: skip
    fill(daemon, 0)
    alive(daemon)
    assert daemon.docker("exec", "one", "echo", "works").stdout == "works\n"
    assert daemon.docker("inspect", "-f", "{{.State.Running}}", "two").stdout == "true\n"
    daemon.docker("rm", "-f", "two")
    filler(daemon).unlink()
    assert "first" in daemon.docker("logs", "one").stdout
    alive(daemon)
