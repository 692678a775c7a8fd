"""Pulls over lines that break: what is there already is not fetched again."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon
from fakes.images import document, layer_tar
from fakes.registry import Registry, Request, Response, digest

pytestmark = pytest.mark.root

FULL = os.environ.get("ORLOP_CHAOS") == "full"
SIZE = 1 << 30 if FULL else 24 << 20
CUT = 64 << 20 if FULL else 4 << 20


@pytest.fixture
def orlopd() -> Iterator[Daemon]:
    made = Daemon("--iptables=false", name="resume").start()
    yield made
    made.close()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


class Cutting:
    """The blob, but each answer breaks off; after `good` bytes in all the line hangs."""

    def __init__(self, registry: Registry, blob: bytes, good: int) -> None:
        self.registry, self.blob, self.good = registry, blob, good
        self.hang = threading.Event()
        registry.rules.append(self)

    def __call__(self, request: Request) -> Response | None:
        if digest(self.blob) not in request.path:
            return None
        answer = self.registry._blob(request, "big", digest(self.blob))
        if self.registry.sent + CUT > self.good:
            answer.cut, answer.stall = self.good - self.registry.sent, self.hang
        else:
            answer.cut = CUT
        return answer


def prepare(registry: Registry) -> bytes:
    """One layer that does not compress, stored plain."""
    layer = layer_tar({"big": os.urandom(SIZE)})
    registry.add_image("big", "1", [layer], document([layer]))
    registry.sent = 0
    return layer


def held(orlopd: Daemon, blob: bytes) -> int:
    path = orlopd.data_root / "orlop/downloads" / digest(blob)[7:]
    return path.stat().st_size if path.exists() else 0


def test_a_registry_that_cuts_every_few_megabytes(orlopd: Daemon, registry: Registry) -> None:
    blob = prepare(registry)
    Cutting(registry, blob, 10 * SIZE)
    done = orlopd.docker("pull", f"{registry.host}/big:1", timeout=600)
    assert "Downloaded newer image" in done.stdout
    assert registry.sent <= 1.05 * (len(blob) + 10_000)
    assert len([r for r in registry.seen if digest(blob) in r.path]) > SIZE // CUT


def test_a_killed_daemon_goes_on_where_it_was(orlopd: Daemon, registry: Registry) -> None:
    blob = prepare(registry)
    reached = SIZE * 3 // 4
    line = Cutting(registry, blob, reached)
    environment = {**os.environ, **orlopd.environment}
    with subprocess.Popen(
        ["docker", "pull", f"{registry.host}/big:1"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as pull:
        for _ in range(6000):
            if held(orlopd, blob) >= reached - (256 << 10):
                break
            select.select([], [], [], 0.01)
        orlopd.kill()
        assert pull.wait(30) != 0
    line.hang.set()
    before = held(orlopd, blob)
    assert before >= reached - (256 << 10)
    registry.rules.clear()
    registry.sent = 0
    orlopd.start()
    orlopd.docker("pull", f"{registry.host}/big:1", timeout=600)
    assert registry.sent <= len(blob) - before + 10_000
    assert list((orlopd.data_root / "orlop/downloads").iterdir()) == []
    shown = json.loads(orlopd.docker("image", "inspect", f"{registry.host}/big:1").stdout)
    assert shown[0]["RootFS"]["Layers"] == [digest(blob)]


def test_a_rotten_half_costs_one_fetch_and_no_more(orlopd: Daemon, registry: Registry) -> None:
    """As after a power cut: the length is there, the bytes are not."""
    blob = prepare(registry)
    folder = Path(orlopd.data_root / "orlop/downloads")
    (folder / digest(blob)[7:]).write_bytes(bytes(len(blob) // 2))
    orlopd.docker("pull", f"{registry.host}/big:1", timeout=600)
    assert registry.sent <= 1.5 * len(blob) + 10_000
