"""A data root goes from a real dockerd to orlop and back, and nothing is lost on either way."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import ORLOP, Daemon
from dockerd import Dockerd

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]


@pytest.fixture
def base() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="orlop-h-", dir="/var/tmp"))
    yield made
    subprocess.run(["rm", "-rf", "--one-file-system", str(made)], check=True)


@pytest.fixture
def dockerd(base: Path) -> Iterator[Dockerd]:
    made = Dockerd(base / "root", base)
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
