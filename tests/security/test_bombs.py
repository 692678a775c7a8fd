"""Archives that grow (S08): bounded memory, an answer, nothing left; others are served meanwhile.

Positive control: what is sent really is small and really grows (`test_they_are_bombs`).
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from daemon import Daemon
from fakes.images import document, layer_tar
from isal import igzip

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]
FULL = os.environ.get("ORLOP_FUZZ") == "full"
SIZE = 10 << 30 if FULL else 1 << 30
RISE = 64 << 20  # bytes of resident memory
QUICK = 1.0  # seconds, for calls of others
_PIECE = bytes(4 << 20)


@pytest.fixture(scope="module")
def orlopd() -> Iterator[Daemon]:
    made = Daemon("--iptables=false", "--bridge=none", name="bombs").start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def zeros(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bombs")
    found = {kind: folder / kind for kind in ("gzip", "zstd", "xz")}
    with igzip.open(found["gzip"], "wb", compresslevel=1) as out:
        for _ in range(SIZE // len(_PIECE)):
            out.write(_PIECE)
    with zstandard.open(found["zstd"], "wb") as out:
        for _ in range(SIZE // len(_PIECE)):
            out.write(_PIECE)
    with found["xz"].open("wb") as file:
        # xz is slow: a tenth is enough to see whether anything grows with it
        subprocess.run(
            ["sh", "-c", f"head -c {SIZE // 10} /dev/zero | xz -0"], stdout=file, check=True
        )
    return found


def test_they_are_bombs(zeros: dict[str, Path]) -> None:
    assert all(path.stat().st_size < SIZE // 200 for path in zeros.values())


class Watch:
    """Resident memory of the daemon, and how long others wait, during a call."""

    def __init__(self, daemon: Daemon) -> None:
        assert daemon.process
        self.daemon = daemon
        self.proc = Path(f"/proc/{daemon.process.pid}")
        self.slowest = 0.0
        self._end = threading.Event()

    def _high(self) -> int:
        text = (self.proc / "status").read_text()
        line = next(row for row in text.splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) << 10

    def __enter__(self) -> Watch:
        (self.proc / "clear_refs").write_text("5")
        self.before = self._high()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def _ask(self) -> None:
        while not self._end.wait(0.05):
            begun = time.monotonic()
            done = subprocess.run(
                ["curl", "-sf", "--unix-socket", str(self.daemon.socket), "http://d/images/json"],
                capture_output=True,
            )
            assert done.returncode == 0
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.rise = self._high() - self.before


def clean(daemon: Daemon) -> None:
    """No half-made layer, no file of an archive, the daemon never ended."""
    assert daemon.process
    assert daemon.process.poll() is None
    assert list((daemon.data_root / "orlop/downloads").iterdir()) == []
    assert list((daemon.data_root / "image/overlay2/layerdb/tmp").iterdir()) == []


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz"])
@pytest.mark.parametrize("call", ["load", "import"])
def test_zeros_without_end(orlopd: Daemon, zeros: dict[str, Path], kind: str, call: str) -> None:
    with Watch(orlopd) as watch, zeros[kind].open("rb") as file:
        argv = ["load"] if call == "load" else ["import", "-", "bomb:1"]
        done = subprocess.run(
            ["docker", *argv],
            stdin=file, capture_output=True, env={**os.environ, **orlopd.environment},
        )  # fmt: skip
    if call == "load":
        assert done.returncode != 0  # no image in it
    else:
        orlopd.docker("rmi", "-f", "bomb:1", check=False)
    assert watch.rise <= RISE, f"{watch.rise >> 20} MiB"
    assert watch.slowest < QUICK
    clean(orlopd)


def test_a_manifest_of_gigabytes(orlopd: Daemon, tmp_path: Path) -> None:
    size = 4 << 30 if FULL else 256 << 20
    head = tarfile.TarInfo("manifest.json")
    head.size = size
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as out:
        out.write(head.tobuf())
        for _ in range(size // len(_PIECE)):
            out.write(b" " * len(_PIECE))
        out.write(bytes(1024))
    with Watch(orlopd) as watch:
        done = orlopd.docker("load", "-i", str(bomb), check=False, timeout=600)
    assert "too large" in done.stderr
    assert watch.rise <= RISE, f"{watch.rise >> 20} MiB"
    assert watch.slowest < QUICK
    clean(orlopd)


def test_a_million_members(orlopd: Daemon, tmp_path: Path) -> None:
    count = 1_000_000 if FULL else 150_000
    bomb = tmp_path / "bomb.tar"
    with bomb.open("wb") as out:
        for number in range(count):
            out.write(tarfile.TarInfo(f"blobs/{number}").tobuf())
        out.write(bytes(1024))
    with Watch(orlopd) as watch:
        done = orlopd.docker("load", "-i", str(bomb), check=False, timeout=600)
    assert "too many members" in done.stderr
    assert watch.rise <= RISE, f"{watch.rise >> 20} MiB"
    clean(orlopd)


def test_a_layer_of_many_headers(orlopd: Daemon) -> None:
    """Headers before one member, as long as the reader would let them be."""
    body = b"9999 comment=" + b"x" * (9999 - 14) + b"\n"
    lead = tarfile.TarInfo("x")
    lead.type, lead.size = tarfile.XHDTYPE, len(body)
    one = lead.tobuf() + body + bytes(-len(body) % 512)
    layer = one * 2000 + tarfile.TarInfo("f").tobuf() + bytes(1024)
    with Watch(orlopd) as watch:
        done = orlopd.docker("load", input=docker_archive(layer), text=False, check=False)
    assert b"too long" in done.stderr
    assert watch.rise <= RISE
    clean(orlopd)


@pytest.mark.parametrize("deep", [b"[" * 200_000, b'{"a":' * 200_000], ids=["lists", "objects"])
def test_deep_documents(orlopd: Daemon, deep: bytes) -> None:
    layer = layer_tar({"a": b"1"})
    for name in ("manifest.json", "c.json", "index.json"):
        done = orlopd.docker(
            "load", input=docker_archive(layer, **{name: deep}), text=False, check=False
        )
        assert done.returncode != 0 or name == "index.json"
    orlopd.docker("rmi", "-f", "ok:1", check=False)
    clean(orlopd)


def docker_archive(layer: bytes, **changes: bytes) -> bytes:
    entry = {"Config": "c.json", "RepoTags": ["ok:1"], "Layers": ["layer.tar"]}
    members = {
        "c.json": json.dumps(document([layer])).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps([entry]).encode(),
    }
    return layer_tar({**members, **changes})
