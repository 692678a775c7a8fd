"""Very many files, a very large file: a sample, or all of it with ORLOP_CHAOS=full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]
FULL = os.environ.get("ORLOP_CHAOS") == "full"
FILES = 100_000 if FULL else 5_000
LARGE = 5 << 30 if FULL else 192 << 20  # bytes
_MOST = 96 << 20  # bytes of memory that a build may take, however large the context


def peak(daemon: Daemon) -> int:
    """Bytes; what the daemon's memory came to since `forget`."""
    assert daemon.process
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    line = next(text for text in status.splitlines() if text.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def forget(daemon: Daemon) -> int:
    assert daemon.process
    Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")
    return peak(daemon)


def spool(daemon: Daemon) -> list[Path]:
    return list((daemon.data_root / "orlop" / "build" / "spool").iterdir())


def test_very_many_files(own_orlopd: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    for number in range(FILES):
        path = folder / "many" / f"d{number // 1000}" / f"f{number}"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_text(str(number))
    (folder / "Dockerfile").write_text(
        "FROM busybox\nCOPY many /many\nRUN find /many -type f | wc -l > /n\n"
    )
    found = own_orlopd.orlop("build", "-q", str(folder), timeout=900)
    image = found.stdout.strip()
    shown = own_orlopd.docker("run", "--rm", image, "cat", "/n", f"/many/d0/f{999}")
    assert shown.stdout == f"{FILES}\n999"
    again = own_orlopd.orlop("build", "--progress=plain", str(folder), timeout=900)
    assert again.stderr.count(" CACHED\n") == 2
    assert spool(own_orlopd) == []


def test_a_very_large_file(own_orlopd: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    with (folder / "large").open("wb") as file:
        file.write(b"begin")
        file.truncate(LARGE - 3)
        file.seek(0, os.SEEK_END)
        file.write(b"end")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY large /large\n")
    before = forget(own_orlopd)
    found = own_orlopd.orlop("build", "-q", str(folder), timeout=1500)
    assert peak(own_orlopd) - before < _MOST
    size = own_orlopd.docker("image", "inspect", "--format", "{{.Size}}", found.stdout.strip())
    assert int(size.stdout) == LARGE
    assert spool(own_orlopd) == []
