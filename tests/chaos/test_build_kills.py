"""kill -9 of the daemon in the middle of builds: the next gives the same image, nothing leaks."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from daemon import ORLOP, Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]
SEED = int(os.environ.get("ORLOP_CHAOS_SEED", "7"))
DOCKER = ("docker",)
ROUNDS = 100 if os.environ.get("ORLOP_CHAOS") == "full" else 8
DOCKERFILE = """\
FROM busybox AS a
RUN --mount=type=cache,target=/c echo a > /a; usleep 20000
COPY . /ctx
FROM busybox
RUN --mount=type=tmpfs,target=/t echo one > /one; usleep 20000
COPY --from=a /a /ctx /x/
RUN echo two > /two; usleep 20000
LABEL done=yes
"""


def context(folder: Path) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    for number in range(200):
        (folder / f"f{number}").write_text(str(number))
    return folder


def spawn(daemon: Daemon, folder: Path, cli: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*cli, "build", "-q", "--no-cache", "-t", "chaos", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **daemon.environment, "DOCKER_BUILDKIT": "0"},
    )


def build(daemon: Daemon, folder: Path, cli: Sequence[str] = DOCKER) -> str:
    with spawn(daemon, folder, cli) as process:
        assert process.stdout
        return process.stdout.read().decode().strip()


def mounts(daemon: Daemon) -> list[str]:
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        found = [line.split()[4] for line in table]
    base = (str(daemon.data_root), str(daemon.exec_root))
    return [m for m in found if m.startswith(base) and not m.endswith("/overlay2")]


def settled(daemon: Daemon) -> None:
    """What the last daemon left is taken apart behind the start."""
    deadline = time.monotonic() + 20
    while daemon.docker("ps", "-aq").stdout or mounts(daemon):
        assert time.monotonic() < deadline, (daemon.docker("ps", "-a").stdout, mounts(daemon))


def test_killed_builds_leave_nothing(own_orlopd: Daemon, tmp_path: Path) -> None:
    daemon = own_orlopd
    folder = context(tmp_path / "context")
    begun = time.monotonic()
    first = build(daemon, folder)
    took = time.monotonic() - begun
    assert first.startswith("sha256:")
    layers = len(list((daemon.data_root / "overlay2").iterdir()))
    dice = random.Random(SEED)
    for _ in range(ROUNDS):
        with spawn(daemon, folder, dice.choice((DOCKER, ORLOP))) as process:
            try:
                process.wait(dice.uniform(0.02, took * 1.2))
            except subprocess.TimeoutExpired:
                pass
            daemon.kill()
            process.kill()
        daemon.start()
        settled(daemon)
        for line in daemon.docker("images", "-aq", "--no-trunc").stdout.split():
            daemon.docker("history", "-q", line)  # every listed image is whole
        assert list((daemon.data_root / "orlop" / "build" / "spool").iterdir()) == []
    assert build(daemon, folder) == build(daemon, folder, ORLOP) == first
    out = daemon.docker("run", "--rm", "chaos", "sh", "-c", "cat /one /two /x/a; ls /x | wc -l")
    assert out.stdout == "one\ntwo\na\n202\n"
    assert len(list((daemon.data_root / "overlay2").iterdir())) <= layers + 12


def test_a_client_that_goes_away_ends_its_build(own_orlopd: Daemon, tmp_path: Path) -> None:
    daemon = own_orlopd
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo begun; sleep 300\n")
    with subprocess.Popen(
        ["docker", "build", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **daemon.environment, "DOCKER_BUILDKIT": "0"},
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line == b"begun\n":
                break
        assert len(daemon.docker("ps", "-q").stdout.split()) == 1
        process.kill()
    settled(daemon)
    assert list((daemon.data_root / "orlop" / "build" / "spool").iterdir()) == []
