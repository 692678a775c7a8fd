"""How images and containers lie on disk: rows D1 to D18 of the article."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import stat
import time
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root
HEX64 = re.compile(r"[0-9a-f]{64}")


def gone_soon(path: Path) -> None:
    """Removal is answered before the files are deleted: look until they are."""
    deadline = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < deadline, path
        select.select([], [], [], 0.01)


def modes(folder: Path) -> dict[str, str]:
    return {p.name: oct(stat.S_IMODE(p.lstat().st_mode))[2:] for p in folder.iterdir()}


@pytest.fixture(scope="module")
def nginx(hub: Daemon) -> Daemon:
    hub.orlop("pull", "nginx:latest")
    return hub


def layers(daemon: Daemon) -> list[str]:
    text = daemon.docker("image", "inspect", "-f", "{{.RootFS.Layers}}", "nginx:latest").stdout
    return text.strip().strip("[]").split(" ")


def chains(diffs: list[str]) -> list[str]:
    out = [diffs[0]]
    for diff in diffs[1:]:
        out.append("sha256:" + hashlib.sha256(f"{out[-1]} {diff}".encode()).hexdigest())
    return out


def test_d1_the_data_root(nginx: Daemon) -> None:
    found = modes(nginx.data_root)
    for name, mode in {
        "containers": "710",
        "image": "700",
        "network": "750",
        "overlay2": "710",
        "plugins": "700",
        "runtimes": "700",
        "swarm": "700",
        "tmp": "700",
        "volumes": "701",
        "engine-id": "600",
        "buildkit": "711",
    }.items():
        assert found.get(name) == mode, name
    assert stat.S_IMODE(nginx.data_root.stat().st_mode) == 0o710


def test_d2_the_image_directory(nginx: Daemon) -> None:
    assert modes(nginx.data_root / "image/overlay2") == {
        "distribution": "700",
        "imagedb": "700",
        "layerdb": "700",
        "repositories.json": "600",
    }


def test_d3_distribution(nginx: Daemon) -> None:
    base = nginx.data_root / "image/overlay2/distribution"
    by_digest = list((base / "diffid-by-digest/sha256").iterdir())
    assert {p.read_text() for p in by_digest} == set(layers(nginx))
    for diff in layers(nginx):
        entries = json.loads((base / "v2metadata-by-diffid/sha256" / diff[7:]).read_text())
        assert {"Digest", "SourceRepository", "HMAC"} == set(entries[0])
        assert "docker.io/library/nginx" in {e["SourceRepository"] for e in entries}


def test_d4_the_config_is_named_by_its_hash(nginx: Daemon) -> None:
    content = nginx.data_root / "image/overlay2/imagedb/content/sha256"
    (only,) = content.iterdir()
    data = only.read_bytes()
    assert hashlib.sha256(data).hexdigest() == only.name
    assert stat.S_IMODE(only.stat().st_mode) == 0o600
    assert json.loads(data)["rootfs"] == {"type": "layers", "diff_ids": layers(nginx)}


def test_d5_repositories(nginx: Daemon) -> None:
    names = json.loads((nginx.data_root / "image/overlay2/repositories.json").read_text())
    image = nginx.docker("image", "inspect", "-f", "{{.ID}}", "nginx:latest").stdout.strip()
    entry = names["Repositories"]["nginx"]
    assert entry["nginx:latest"] == image
    (digest,) = [k for k in entry if "@" in k]
    assert re.fullmatch(r"nginx@sha256:[0-9a-f]{64}", digest)


@pytest.mark.parametrize("name", ["docker", "orlop"])
def test_d6_pull(hub: Daemon, name: str) -> None:
    run = hub.docker if name == "docker" else hub.orlop
    hub.docker("rmi", "-f", "nginx:latest", check=False)
    lines = run("pull", "nginx:latest").stdout.splitlines()
    assert lines[0] == "latest: Pulling from library/nginx"
    assert (
        sorted(re.sub(r"^[0-9a-f]{12}", "x", n) for n in lines[1:-3] if "complete" in n)
        == ["x: Download complete"] * 3 + ["x: Pull complete"] * 3
        or sum("Pull complete" in n for n in lines) == 3
    )
    assert re.fullmatch(r"Digest: sha256:[0-9a-f]{64}", lines[-3])
    assert lines[-2:] == [
        "Status: Downloaded newer image for nginx:latest",
        "docker.io/library/nginx:latest",
    ]
    again = run("pull", "nginx").stdout.splitlines()
    assert again[0] == "Using default tag: latest"
    assert "Status: Image is up to date for nginx:latest" in again


@pytest.mark.parametrize("name", ["docker", "orlop"])
def test_d7_ls_and_inspect(nginx: Daemon, name: str) -> None:
    run = nginx.docker if name == "docker" else nginx.orlop
    head, row = run("image", "ls", "nginx:latest").stdout.splitlines()
    assert head.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert row.split()[:2] == ["nginx", "latest"]
    a = run("image", "inspect", "-f", "{{.ID}}", "nginx:latest").stdout
    b = run("image", "inspect", "-f", "{{.Id}}", "nginx:latest").stdout
    assert a == b
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", a)
    assert len(layers(nginx)) == 3


def test_d8_chain_ids_of_the_article() -> None:
    found = chains(
        [
            "sha256:488dfecc21b1bc607e09368d2791cb784cf8c4ec5c05d2952b045b3e0f8cc01e",
            "sha256:b4a29beac87cb2648ad511811c9c798c2aade5e0d82995a27a5d986ae24898b0",
            "sha256:22439467ad99389c16d8c9a499ce94cc4cc882d2865b97819213300f2fe0198d",
        ]
    )
    assert found[1:] == [
        "sha256:99360ffcb2da18fd9ede194efaf5d4b90e7aee99f45737e918113e6833dcf278",
        "sha256:a3136fbf38691346715cac8360bcdfca0fff812cede416469653670f04e2cab0",
    ]


def test_d8_chainid_command(nginx: Daemon) -> None:
    out = nginx.orlop("image", "chainid", "nginx:latest").stdout
    assert all(chain in out for chain in chains(layers(nginx)))


def test_d9_layerdb(nginx: Daemon) -> None:
    base = nginx.data_root / "image/overlay2/layerdb/sha256"
    wanted = chains(layers(nginx))
    assert sorted(p.name for p in base.iterdir()) == sorted(c[7:] for c in wanted)
    for n, chain in enumerate(wanted):
        folder = base / chain[7:]
        names = {"cache-id", "diff", "size", "tar-split.json.gz"} | ({"parent"} if n else set())
        assert {p.name for p in folder.iterdir()} == names
        assert set(modes(folder).values()) == {"644"}
        assert HEX64.fullmatch((folder / "cache-id").read_text())
        assert (folder / "diff").read_text() == layers(nginx)[n]
        if n:
            assert (folder / "parent").read_text() == wanted[n - 1]


def test_d10_to_d14_a_running_container(nginx: Daemon) -> None:
    home = nginx.data_root / "overlay2"
    id = nginx.docker("run", "-d", "nginx").stdout.strip()
    assert HEX64.fullmatch(id)
    try:
        mounts = nginx.data_root / "image/overlay2/layerdb/mounts" / id
        assert {p.name: p.stat().st_size for p in mounts.iterdir()} == {
            "init-id": 69,
            "mount-id": 64,
            "parent": 71,
        }
        mount_id = (mounts / "mount-id").read_text()
        links = {p.name: p.stat().st_nlink for p in home.iterdir() if p.name != "l"}
        assert links.pop(mount_id) == 5
        assert links.pop(f"{mount_id}-init") == 4
        assert sorted(links.values()) == [3, 4, 4]
        for short in (home / "l").iterdir():
            assert re.fullmatch(r"[A-Z2-7]{26}", short.name)
            assert re.fullmatch(r"\.\./[0-9a-f]{64}(-init)?/diff", os.readlink(short))
        (line,) = [
            text
            for text in Path("/proc/self/mounts").read_text().splitlines()
            if f"{home}/{mount_id}/merged" in text
        ]
        source, where, kind, options = line.split()[:4]
        assert (source, where, kind) == ("overlay", f"{home}/{mount_id}/merged", "overlay")
        lower = re.search(r"lowerdir=([^,]*)", options)
        assert lower
        stack = lower[1].split(":")
        assert len(stack) == 4
        assert os.path.realpath(stack[0]) == f"{home}/{mount_id}-init/diff"
        diffs = [
            str(
                home
                / (
                    nginx.data_root / "image/overlay2/layerdb/sha256" / c[7:] / "cache-id"
                ).read_text()
                / "diff"
            )
            for c in reversed(chains(layers(nginx)))
        ]
        assert [os.path.realpath(p) for p in stack[1:]] == diffs
        assert f"upperdir={home}/{mount_id}/diff" in options
        assert f"workdir={home}/{mount_id}/work" in options
    finally:
        nginx.docker("rm", "-f", id)
    gone_soon(home / mount_id)


def test_d16_the_container_directory(nginx: Daemon) -> None:
    id = nginx.docker("run", "-d", "nginx").stdout.strip()
    try:
        folder = nginx.data_root / "containers" / id
        assert modes(folder) == {
            f"{id}-json.log": "640",
            "checkpoints": "700",
            "config.v2.json": "600",
            "hostconfig.json": "600",
            "hostname": "644",
            "hosts": "644",
            "mounts": "710",
            "resolv.conf": "644",
            "resolv.conf.hash": "644",
        }
        assert stat.S_IMODE(folder.stat().st_mode) == 0o710
        assert (folder / "hostname").read_text() == id[:12] + "\n"
        assert (folder / "resolv.conf.hash").stat().st_size in (64, 71)
    finally:
        nginx.docker("rm", "-f", id)


def test_d17_the_record(nginx: Daemon) -> None:
    id = nginx.docker("create", "--name", "rec", "nginx").stdout.strip()
    try:
        record = json.loads((nginx.data_root / "containers" / id / "config.v2.json").read_text())
        for field in (
            "State ID Created Managed Path Args Config Image NetworkSettings LogPath Name Driver "
            "OS RestartCount HasBeenStartedBefore HasBeenManuallyStopped MountPoints MountLabel "
            "ProcessLabel AppArmorProfile SeccompProfile NoNewPrivileges HostnamePath HostsPath "
            "ShmPath ResolvConfPath"
        ).split():
            assert field in record, field
        assert record["Name"] == "/rec"
    finally:
        nginx.docker("rm", "-f", id)


def test_d18_the_log_format(nginx: Daemon) -> None:
    id = nginx.docker("create", "nginx", "sh", "-c", "echo line; echo err >&2").stdout.strip()
    nginx.docker("start", "-a", id)
    try:
        log = nginx.data_root / "containers" / id / f"{id}-json.log"
        lines = [json.loads(text) for text in log.read_text().splitlines()]
        assert sorted((n["stream"], n["log"]) for n in lines) == [
            ("stderr", "err\n"),
            ("stdout", "line\n"),
        ]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z", lines[0]["time"])
    finally:
        nginx.docker("rm", id)
