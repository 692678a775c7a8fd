from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from daemon import Daemon
from terminal import Terminal

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Cli:
    """One of the two command lines on one daemon."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        self.daemon = daemon
        self.name = name
        self.run: Run = daemon.docker if name == "docker" else daemon.orlop

    def __call__(self, *args: str, **options: object) -> str:
        return self.run(*args, **options).stdout

    def terminal(self, *args: str) -> Terminal:
        return self.daemon.terminal(self.name, *args)


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
    orlopd.orlop("tag", "busybox", f"{registry}/library/busybox:1.31.1")
    for name in ("nginx:latest", "busybox:1.31.1"):
        orlopd.orlop("push", f"{registry}/library/{name}")
    orlopd.orlop("rm", "hub1", "hub2")
    daemon = Daemon(f"--registry-mirror=http://{registry}", name="hub").start()
    try:
        yield daemon
    finally:
        daemon.close()
