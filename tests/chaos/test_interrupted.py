"""kill -9 of the daemon in the middle of a call, at random points: nothing half made is seen."""

from __future__ import annotations

import os
import random
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
POINTS = int(os.environ.get("ORLOP_CHAOS_POINTS", "20"))
START = 5  # seconds until the next daemon is ready


def interrupt(daemon: Daemon, call: tuple[str, ...], after: float) -> None:
    """Kill the daemon `after` seconds into `call`, or at its end."""
    running = subprocess.Popen(
        ["docker", *call],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **daemon.environment},
    )
    ended = os.pidfd_open(running.pid)
    select.select([ended], [], [], after)
    os.close(ended)
    daemon.kill()
    running.wait(30)
    begun = time.monotonic()
    daemon.start()
    assert time.monotonic() - begun < START


def consistent(daemon: Daemon) -> None:
    """Every listed image verifies, every listed container can be inspected."""
    for id in set(daemon.docker("images", "-aq", "--no-trunc").stdout.split()):
        daemon.orlop("image", "verify", id)
    ids = daemon.docker("ps", "-aq").stdout.split()
    if ids:
        daemon.docker("inspect", *ids)
    layers = daemon.data_root / "image/overlay2/layerdb"
    assert os.listdir(layers / "tmp") == []
    assert not [n for n in os.listdir(layers / "sha256") if n.endswith("-removing")]


def sample(
    daemon: Daemon,
    call: tuple[str, ...],
    before: Callable[[], object] = lambda: None,
    repeat: tuple[str, ...] = (),
) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    made = random.Random(seed)
    before()
    begun = time.monotonic()
    daemon.docker(*call)
    whole = time.monotonic() - begun
    for _ in range(POINTS):
        before()
        interrupt(daemon, call, made.uniform(0, whole))
        consistent(daemon)
        daemon.docker(*(repeat or call))


def no_image(daemon: Daemon, name: str) -> None:
    daemon.docker("rmi", "-f", name, check=False)


def no_container(daemon: Daemon) -> None:
    daemon.docker("rm", "-f", "one", check=False)


def archive(daemon: Daemon) -> Path:
    """Of an image with one more layer, with 300 files in it."""
    script = "for i in $(seq 300); do head -c 5000 /dev/urandom > /f$i; done"
    daemon.docker("run", "--name", "source", "busybox", "sh", "-c", script)
    daemon.docker("commit", "source", "some:1")
    path = daemon.base / "some.tar"
    daemon.docker("save", "-o", str(path), "some:1")
    return path


def test_load(own_orlopd: Daemon) -> None:
    path = archive(own_orlopd)
    sample(own_orlopd, ("load", "-i", str(path)), lambda: no_image(own_orlopd, "some:1"))


def test_commit(own_orlopd: Daemon) -> None:
    archive(own_orlopd)
    call = ("commit", "source", "some:1")
    sample(own_orlopd, call, lambda: no_image(own_orlopd, "some:1"))


def test_pull(own_orlopd: Daemon, registry: str) -> None:
    archive(own_orlopd)
    name = f"{registry}/some:1"
    own_orlopd.docker("tag", "some:1", name)
    own_orlopd.docker("push", name)
    own_orlopd.docker("rm", "source")
    own_orlopd.docker("rmi", "some:1")
    sample(own_orlopd, ("pull", name), lambda: no_image(own_orlopd, name))


def test_create(own_orlopd: Daemon) -> None:
    """Repeated under the name of the first, which is there whole or not at all."""
    call = ("create", "--name", "one", "busybox", "true")
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    made = random.Random(seed)
    for _ in range(POINTS):
        no_container(own_orlopd)
        interrupt(own_orlopd, call, made.uniform(0, 0.1))
        consistent(own_orlopd)
        if not own_orlopd.docker("ps", "-aq", "--filter", "name=one").stdout:
            own_orlopd.docker(*call)
        assert own_orlopd.docker("start", "-a", "one").returncode == 0


def test_rm(own_orlopd: Daemon) -> None:
    def make() -> None:
        no_container(own_orlopd)
        own_orlopd.docker("run", "-d", "--name", "one", "busybox", "sleep", "1000")

    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    made = random.Random(seed)
    for _ in range(POINTS):
        make()
        interrupt(own_orlopd, ("rm", "-f", "one"), made.uniform(0, 0.15))
        consistent(own_orlopd)
        own_orlopd.docker("rm", "-f", "one")  # -f: fine when it is gone
        assert own_orlopd.docker("ps", "-aq").stdout == ""
