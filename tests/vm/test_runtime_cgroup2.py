"""orlop-runtime on a host with cgroup v2 alone: resources, freezing, killing, devices, names."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime, make

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
TOP = Path("/sys/fs/cgroup")
LIMITS: dict[str, Any] = {
    "memory": {"limit": 64 << 20, "swap": 96 << 20, "reservation": 32 << 20},
    "cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0"},
    "pids": {"limit": 50},
    "unified": {"memory.high": "50331648"},
}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setattr("bundles.PATIENCE", 200)
    with closing(Runtime("orlop-runtime", tmp_path / "state")) as made:
        yield made


@pytest.fixture
def id() -> str:
    return f"v2-{uuid.uuid4().hex[:12]}"


def group(runtime: Runtime, id: str) -> Path:
    line = Path(f"/proc/{runtime.state(id)['pid']}/cgroup").read_text().strip()
    return TOP / line.removeprefix("0::/")


def begin(runtime: Runtime, bundle: Path, id: str) -> Path:
    runtime.create(id, bundle)
    runtime.ok("start", id)
    return group(runtime, id)


def values(there: Path, *names: str) -> list[str]:
    return [(there / name).read_text().strip() for name in names]


def test_resources_and_update(runtime: Runtime, tmp_path: Path, id: str) -> None:
    bundle = make(
        tmp_path / "b", "sleep", "1000", linux={"resources": LIMITS, "cgroupsPath": f"/rt/{id}"}
    )
    there = begin(runtime, bundle, id)
    assert there == TOP / "rt" / id
    assert values(there, "memory.max", "memory.swap.max", "memory.low", "memory.high") == [
        str(64 << 20), str(32 << 20), str(32 << 20), str(48 << 20),
    ]  # fmt: skip
    assert values(there, "cpu.max", "cpu.weight", "cpuset.cpus", "pids.max") == [
        "50000 100000", "59", "0", "50",
    ]  # fmt: skip
    runtime.ok("update", "--memory", str(80 << 20), "--pids-limit", "60", id)
    assert values(there, "memory.max", "pids.max") == [str(80 << 20), "60"]
    stats = json.loads(runtime.ok("events", "--stats", id))["data"]
    assert stats["pids"] == {"current": 1, "limit": 60}
    assert stats["memory"]["usage"]["limit"] == 80 << 20
    runtime.ok("delete", "--force", id)
    assert not there.exists()


def test_freezing_and_killing(runtime: Runtime, tmp_path: Path, id: str) -> None:
    script = "sleep 1000 & sleep 1000 & trap : TERM; while :; do sleep 1; done"
    there = begin(runtime, make(tmp_path / "b", "sh", "-c", script), id)
    runtime.ok("pause", id)
    assert runtime.state(id)["status"] == "paused"
    assert "frozen 1" in (there / "cgroup.events").read_text()
    runtime.ok("resume", id)
    assert runtime.state(id)["status"] == "running"
    assert "frozen 0" in (there / "cgroup.events").read_text()
    runtime.ok("pause", id)
    runtime.ok("kill", id, "KILL")  # a frozen one dies as well
    end = time.monotonic() + 60
    while "populated 1" in (there / "cgroup.events").read_text():
        assert time.monotonic() < end
    runtime.wait(id)
    runtime.ok("delete", id)
    assert not there.exists()


def test_devices_are_filtered(runtime: Runtime, tmp_path: Path, id: str) -> None:
    show = "for d in /dev/null /dev/zero /k; do ( : < $d ) 2>/dev/null && echo $d; done; true"
    nodes = [{"path": "/k", "type": "c", "major": 1, "minor": 11, "fileMode": 0o666}]
    said = []
    for rules in ([], [{"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rwm"}]):
        deny = [{"allow": False, "access": "rwm"}]
        linux = {"resources": {"devices": deny + rules}, "devices": nodes}
        caps = {kind: ["CAP_SYSLOG"] for kind in ("bounding", "effective", "permitted")}
        bundle = make(
            tmp_path / f"b{len(said)}", "sh", "-c", show, linux=linux,
            process={"capabilities": caps},
        )  # fmt: skip
        said.append(runtime.run(bundle, f"{id}{len(said)}").stdout.split())
    assert said == [["/dev/null", "/dev/zero"], ["/dev/null", "/dev/zero", "/k"]]


def test_names_of_systemd(runtime: Runtime, tmp_path: Path, id: str) -> None:
    """--systemd-cgroup: slice:prefix:name is where systemd would put it, here without one."""
    linux = {"cgroupsPath": f"a-b.slice:rt:{id}", "resources": {"pids": {"limit": 7}}}
    bundle = make(tmp_path / "b", "sleep", "1000", linux=linux)
    runtime.command.append("--systemd-cgroup")
    there = begin(runtime, bundle, id)
    assert there == TOP / "a.slice" / "a-b.slice" / f"rt-{id}.scope"
    assert values(there, "pids.max") == ["7"]
    runtime.ok("delete", "--force", id)
    assert not there.exists()
