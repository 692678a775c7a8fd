from __future__ import annotations

import tarfile
from collections.abc import Iterator

import pytest
from clis import Cli
from daemon import Daemon


@pytest.fixture(params=["docker", "orlop"])
def cli(request: pytest.FixtureRequest, orlopd: Daemon) -> Iterator[Cli]:
    made = Cli(orlopd, request.param)
    yield made
    ids = made("ps", "-aq").split()
    if ids:
        made("rm", "-fv", *ids)


@pytest.fixture(scope="session")
def hub(registry: str, orlopd: Daemon) -> Iterator[Daemon]:
    """A daemon whose mirror of the default registry has nginx (three layers) and busybox:1.31.1."""
    orlopd.orlop("run", "--name", "hub1", "busybox", "sh", "-c", "echo 1 > /one")
    orlopd.orlop("commit", "-c", 'CMD ["nginx"]', "hub1", "hub:1")
    orlopd.orlop("run", "--name", "hub2", "hub:1", "sh", "-c", "echo 2 > /two")
    orlopd.orlop(
        "commit", "-c", 'CMD ["sleep", "1000"]', "hub2", f"{registry}/library/nginx:latest"
    )
    # a layer of its own, so that removing the image removes it
    archive = orlopd.base / "one.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    orlopd.orlop("import", str(archive), f"{registry}/library/busybox:1.31.1")
    for name in ("nginx:latest", "busybox:1.31.1"):
        orlopd.orlop("push", f"{registry}/library/{name}")
    orlopd.orlop("rm", "hub1", "hub2")
    daemon = Daemon(f"--registry-mirror=http://{registry}", name="hub").start()
    try:
        yield daemon
    finally:
        daemon.close()
