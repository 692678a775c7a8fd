"""`orlop system df -v`: every byte of the data root has an owner, and nothing outlives a prune."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon, with_busybox

from orlop.oci.jsonlite import split

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]
# what an engine without any object has, and only that
EMPTY = {
    "engine-id", "image/overlay2/repositories.json", "orlop/build/cache.db", "orlop/lock",
    "orlop/build/cache.db-shm", "orlop/build/cache.db-wal", "orlop/networks.json",
    "orlop/registry.json", "orlop/reserve", "orlop/version", "volumes/metadata.db",
}  # fmt: skip


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with with_busybox(Daemon("--iptables=false", name="du")) as made:
        yield made


def rows(daemon: Daemon) -> list[dict[str, Any]]:
    call = daemon.http()
    call.request("GET", "/orlop/usage")
    found, rest = split(call.getresponse().read().decode().replace("\r", ""))
    call.close()
    assert rest == ""
    return found


def du(daemon: Daemon) -> int:
    out = subprocess.run(
        ["du", "-sxB1", str(daemon.data_root)], capture_output=True, text=True, check=True
    ).stdout
    return int(out.split()[0])


def by_kind(daemon: Daemon) -> dict[str, int]:
    """Measured when nothing changes meanwhile: before and after agree with du."""
    for _ in range(20):
        before, found, after = du(daemon), rows(daemon), du(daemon)
        if before == after:
            break
    assert sum(row["Bytes"] for row in found) == after
    out: dict[str, int] = {}
    for row in found:
        out[row["Kind"]] = out.get(row["Kind"], 0) + row["Bytes"]
    return out


def fill(daemon: Daemon, registry: str, context: Path) -> None:
    """One of everything."""
    write = "head -c 300000 /dev/zero >/v/x; head -c 200000 /dev/urandom >/own; seq 20000"
    daemon.docker("run", "--name", "one", "-v", "vol:/v", "busybox", "sh", "-c", write)
    daemon.docker("run", "-d", "--name", "two", "--log-driver", "local", "busybox", "sleep", "1000")
    daemon.docker("commit", "one", f"{registry}/usage:1")
    daemon.docker("push", "-q", f"{registry}/usage:1")
    daemon.docker("network", "create", "net")
    daemon.docker("volume", "create", "idle")
    context.mkdir()
    (context / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=cache,target=/c seq 90000 >/c/x; seq 50000 >/built\n"
    )
    daemon.orlop("build", "-q", "-t", "built:1", str(context))
    daemon.docker("rmi", "built:1")  # its steps stay


def test_every_byte_has_an_owner(daemon: Daemon, registry: str, tmp_path: Path) -> None:
    fill(daemon, registry, tmp_path / "context")
    found = by_kind(daemon)
    assert set(found) == {
        "blob cache", "build cache", "containers", "downloads", "images", "logs", "records", "tmp",
        "volumes",
    }  # fmt: skip
    assert found["volumes"] >= 300_000
    assert found["containers"] >= 200_000
    assert found["images"] >= 1_000_000
    assert found["build cache"] >= 500_000
    assert found["logs"] >= 1_000_000
    assert found["blob cache"] >= 200_000
    lost = daemon.data_root / "overlay2" / ("f" * 64)
    lost.mkdir()
    (lost / "x").write_bytes(bytes(500_000))
    (daemon.data_root / "stranger").write_bytes(b"x")
    assert by_kind(daemon)["lost"] >= 500_000
    shown = daemon.orlop("system", "df", "-v").stdout
    assert f"lost: overlay2/{'f' * 64} (" in shown
    assert "lost: stranger (" in shown
    assert "\nData root usage: " in shown
    assert "Data root usage" not in daemon.docker("system", "df", "-v").stdout
    shutil.rmtree(lost)
    (daemon.data_root / "stranger").unlink()
    assert "lost" not in by_kind(daemon)


def files(daemon: Daemon) -> set[str]:
    root = str(daemon.data_root)
    return {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
    }


def test_nothing_is_left(daemon: Daemon, registry: str, tmp_path: Path) -> None:
    fill(daemon, registry, tmp_path / "context")
    daemon.docker("rm", "-f", "two")
    daemon.docker("system", "prune", "-af", "--volumes")
    daemon.docker("volume", "prune", "-af")
    assert daemon.docker("system", "df", "--format", "{{.TotalCount}}").stdout.split() == ["0"] * 4
    for _ in range(200):  # files go behind the answer
        left = {name for name in files(daemon) if not name.startswith("orlop/seccomp/")} - EMPTY
        folders = [*(daemon.data_root / "overlay2").iterdir()]
        if not left and [path.name for path in folders] == ["l"]:
            break
        daemon.docker("version")
    assert left == set()
    assert sorted(path.name for path in folders) == ["l"]
    assert os.listdir(daemon.data_root / "containers") == []
    assert [p.name for p in (daemon.data_root / "volumes").iterdir() if p.is_dir()] == []
    assert "lost" not in by_kind(daemon)
