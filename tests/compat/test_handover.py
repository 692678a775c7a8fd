"""A data root goes from a real dockerd to orlop and back, and nothing is lost on either way."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import ORLOP, Daemon
from dockerd import ROOTS, Dockerd

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]
FULL = os.environ.get("ORLOP_HANDOVER") == "full"
IMAGES, CONTAINERS, VOLUMES, NETWORKS = (20, 10, 5, 3) if FULL else (4, 2, 2, 2)


@pytest.fixture
def base() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="orlop-h-", dir="/var/tmp"))
    yield made
    subprocess.run(["rm", "-rf", "--one-file-system", str(made)], check=True)


@pytest.fixture(params=ROOTS, ids=[os.path.basename(root) or "own" for root in ROOTS])
def dockerd(base: Path, request: pytest.FixtureRequest) -> Iterator[Dockerd]:
    made = Dockerd(base / "root", base, request.param)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def orlopd(dockerd: Dockerd) -> Iterator[Daemon]:
    made = Daemon(name="adopting")
    made.data_root = dockerd.data_root
    try:
        yield made
    finally:
        made.close()


def rootfs(tmp_path: Path) -> Path:
    """An archive of a root filesystem with busybox."""
    path = tmp_path / "rootfs.tar"
    with tarfile.open(path, "w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for name in ("sh", "cat", "echo", "true", "sleep", "rm", "ip"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(link)
        for name in ("etc", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
    return path


def layers_of(engine: Dockerd | Daemon, image: str) -> list[str]:
    return engine.docker("image", "inspect", "-f", "{{json .RootFS.Layers}}", image).stdout.split()


def contents(engine: Dockerd | Daemon, container: str) -> dict[str, str]:
    """What `export` gives, by name, times left out."""
    host = f"unix://{engine.socket}"
    raw = subprocess.run(
        ["docker", "-H", host, "export", container], capture_output=True, check=True
    ).stdout
    out = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member) if member.isfile() else None
            digest = hashlib.sha256(file.read() if file else b"").hexdigest()
            out[member.name.rstrip("/")] = (
                f"{member.type!r} {member.mode & 0o7777:o} {member.uid}:{member.gid} "
                f"{member.linkname} {member.devmajor} {member.devminor} {digest}"
            )
    return out


def test_there_and_back(dockerd: Dockerd, orlopd: Daemon, tmp_path: Path) -> None:
    docker = dockerd.docker
    docker("import", str(rootfs(tmp_path)), "base:1")
    docker("volume", "create", "--label", "a=b", "labelled")
    docker("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "mounted")
    docker("network", "create", "--subnet", "10.97.1.0/24", "--label", "n=1", "chosen")
    docker("network", "create", "--internal", "inside")
    write = "echo text > /data/f; echo w > /written; rm /bin/true; echo line"
    docker("run", "--name", "first", "-v", "labelled:/data", "base:1", "sh", "-c", write)
    docker("commit", "first", "made:1")
    docker("create", "--name", "second", "--network", "chosen", "--ip", "10.97.1.9", "made:1",
           "sh", "-c", "ip -o -4 addr show eth0; cat /written")  # fmt: skip
    docker(
        "run",
        "-d",
        "--name",
        "third",
        "--stop-timeout",
        "1",
        "--restart",
        "always",
        "base:1",
        "sleep",
        "1000",
    )
    before = {name: layers_of(dockerd, name) for name in ("base:1", "made:1")}
    trees = {name: contents(dockerd, name) for name in ("first", "second")}
    config = docker("inspect", "-f", "{{json .Config}} {{json .Mounts}}", "first").stdout
    with pytest.raises(AssertionError, match="is in use by another daemon"):
        orlopd.start()
    assert orlopd.process
    assert orlopd.process.wait(timeout=30) == 1
    dockerd.stop()

    orlopd.start()
    docker = orlopd.docker
    with pytest.raises(AssertionError, match="volume store metadata database.*: timeout"):
        dockerd.start()  # the file is locked
    assert {name: layers_of(orlopd, name) for name in before} == before
    assert {name: contents(orlopd, name) for name in trees} == trees
    assert docker("inspect", "-f", "{{json .Config}} {{json .Mounts}}", "first").stdout == config
    assert docker("logs", "first").stdout == "line\n"
    assert "10.97.1.9/24" in docker("start", "-a", "second").stdout
    assert docker("inspect", "-f", "{{.State.Running}}", "third").stdout == "true\n"
    assert docker("volume", "inspect", "-f", "{{.Labels}}", "labelled").stdout == "map[a:b]\n"
    options = docker("volume", "inspect", "-f", "{{.Options}}", "mounted").stdout
    assert options == "map[device:tmpfs type:tmpfs]\n"
    assert docker("network", "inspect", "-f", "{{.Internal}}", "inside").stdout == "true\n"
    docker("volume", "create", "--label", "c=d", "ours")
    docker("network", "create", "--subnet", "10.97.2.0/24", "ournet")
    docker("network", "rm", "inside")
    docker("run", "--name", "ours", "-v", "ours:/v", "--network", "ournet", "--ip", "10.97.2.5",
           "made:1", "sh", "-c", "echo from orlop > /v/f; ip -o -4 addr show eth0")  # fmt: skip
    docker("commit", "ours", "ours:1")
    refused = orlopd.orlop("system", "hand-back", check=False)
    assert refused.returncode == 1
    assert "1 containers are running (third)" in refused.stderr
    assert ORLOP
    orlopd.orlop("system", "hand-back", "--force")
    assert orlopd.process.wait(timeout=30) == 0
    assert str(dockerd.data_root) not in Path("/proc/self/mounts").read_text()

    dockerd.start()
    docker = dockerd.docker
    assert {name: layers_of(dockerd, name) for name in before} == before
    assert contents(dockerd, "first") == trees["first"]
    assert docker("start", "-a", "second").stdout.count("10.97.1.9/24") == 1
    assert "10.97.2.5/24" in docker("start", "-a", "ours").stdout
    assert docker("run", "--rm", "-v", "ours:/v", "ours:1", "cat", "/v/f").stdout == "from orlop\n"
    assert docker("volume", "inspect", "-f", "{{.Labels}}", "ours").stdout == "map[c:d]\n"
    assert docker("inspect", "-f", "{{.State.Running}}", "third").stdout == "true\n"
    networks = docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    assert sorted(networks) == ["bridge", "chosen", "host", "none", "ournet"]
    docker("rm", "-f", "third")


def make(engine: Dockerd | Daemon, kind: str, subnet: int, share: int = 1) -> None:
    """Images of several layers, containers that wrote and logged, volumes, networks."""
    docker = engine.docker
    for number in range(IMAGES // share):
        below = f"{kind}:{number - 1}" if number % 3 else "base:1"
        script = f"echo {number} >/own{number}; mkdir /d{number}; rm -f /own{number - 1}"
        docker("run", "--name", "step", "--net=none", below, "sh", "-c", script)
        docker("commit", "-c", f"ENV N={number}", "step", f"{kind}:{number}")
        docker("rm", "step")
    for number in range(VOLUMES // share):
        docker("volume", "create", "--label", f"n={number}", f"{kind}{number}")
    for number in range(NETWORKS // share):
        docker("network", "create", f"--subnet=10.97.{subnet + number}.0/24", f"{kind}{number}")
    for number in range(CONTAINERS // share):
        volume = number % max(VOLUMES // share, 1)
        docker(
            "run", "--name", f"{kind}{number}", "-v", f"{kind}{volume}:/v",
            "--network", f"{kind}{number % max(NETWORKS // share, 1)}", f"{kind}:{number}",
            "sh", "-c", f"echo {number} >>/v/f; echo {number} >/written; echo line {number}",
        )  # fmt: skip


def archives(engine: Dockerd | Daemon, image: str) -> list[str]:
    """Digests of the layers in what `save` gives."""
    host = f"unix://{engine.socket}"
    raw = subprocess.run(
        ["docker", "-H", host, "save", image], capture_output=True, check=True
    ).stdout
    out = []
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member) if member.isfile() else None
            data = file.read() if file else b""
            if data[257:262] == b"ustar":
                out.append(hashlib.sha256(data).hexdigest())
    return sorted(out)


def everything(engine: Dockerd | Daemon) -> dict[str, object]:
    """Images with ID and layers, containers with files, config and log, volumes, networks."""
    docker = engine.docker
    out: dict[str, object] = {}
    for name in docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        shown = json.loads(docker("image", "inspect", name).stdout)[0]
        kept = (shown["Id"], shown["RootFS"]["Layers"], shown["Config"].get("Env"))
        out[f"image {name}"] = (kept, archives(engine, name))
    for name in docker("ps", "-a", "--format", "{{.Names}}").stdout.split():
        shown = json.loads(docker("inspect", name).stdout)[0]
        kept = (shown["Image"], shown["Config"]["Cmd"], shown["State"]["ExitCode"], shown["Mounts"])
        log = docker("logs", name).stdout
        out[f"container {name}"] = (shown["Id"], kept, log, contents(engine, name))
    for name in docker("volume", "ls", "-q").stdout.split():
        shown = json.loads(docker("volume", "inspect", name).stdout)[0]
        text = (Path(shown["Mountpoint"]) / "f").read_text()
        out[f"volume {name}"] = (shown["Labels"], text)
    for name in docker("network", "ls", "--format", "{{.Name}}").stdout.split():
        shown = json.loads(docker("network", "inspect", name).stdout)[0]
        # the default ones are made anew by each engine
        ours = name not in ("bridge", "host", "none")
        subnets = [row["Subnet"] for row in shown["IPAM"]["Config"] or ()]
        out[f"network {name}"] = (shown["Id"], subnets) if ours else ()
    return out


def same(before: dict[str, object], after: dict[str, object]) -> None:
    assert set(before) <= set(after)
    for name, kept in before.items():
        assert after[name] == kept, name


def test_many_objects(dockerd: Dockerd, orlopd: Daemon, tmp_path: Path) -> None:
    """Full counts with ORLOP_HANDOVER=full."""
    dockerd.docker("import", str(rootfs(tmp_path)), "base:1")
    make(dockerd, "docker", 10)
    before = everything(dockerd)
    dockerd.stop()
    orlopd.start()
    same(before, everything(orlopd))
    make(orlopd, "orlop", 20, share=2)
    meanwhile = everything(orlopd)
    assert orlopd.orlop("system", "check", "-q").stderr == ""
    orlopd.orlop("system", "hand-back")
    assert orlopd.process
    assert orlopd.process.wait(timeout=60) == 0
    dockerd.start()
    after = everything(dockerd)
    same(meanwhile, after)
    assert set(after) == set(meanwhile)
    print(dockerd.docker("version", "-f", "{{.Server.Version}}").stdout, len(before), len(after))
