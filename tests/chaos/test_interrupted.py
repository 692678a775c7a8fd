"""kill -9 of the daemon in the middle of a call: at random points, and at the system calls that
change something. Nothing acknowledged is lost, nothing half made is seen."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from daemon import Daemon
from interrupting import (
    archive,
    at_every_call,
    at_random,
    image,
    kept,
    no_container,
    no_image,
)

pytestmark = [pytest.mark.root, pytest.mark.timeout(7200)]

Sweep = Callable[..., object]
SWEEPS = pytest.mark.parametrize("sweep", [at_random, at_every_call], ids=["random", "calls"])


@SWEEPS
def test_load(own_orlopd: Daemon, sweep: Sweep) -> None:
    path = archive(own_orlopd)
    sweep(
        own_orlopd,
        ("load", "-i", str(path)),
        lambda: no_image(own_orlopd, "some:1"),
        proof=image(own_orlopd, "some:1"),
    )
    kept(own_orlopd)


@SWEEPS
def test_import(own_orlopd: Daemon, sweep: Sweep) -> None:
    archive(own_orlopd)
    tree = own_orlopd.base / "tree.tar"
    own_orlopd.docker("export", "-o", str(tree), "source")
    call = ("import", str(tree), "flat:1")
    sweep(
        own_orlopd,
        call,
        lambda: no_image(own_orlopd, "flat:1"),
        proof=image(own_orlopd, "flat:1"),
    )
    kept(own_orlopd)


@SWEEPS
def test_commit(own_orlopd: Daemon, sweep: Sweep) -> None:
    archive(own_orlopd)
    call = ("commit", "source", "some:1")
    sweep(
        own_orlopd,
        call,
        lambda: no_image(own_orlopd, "some:1"),
        proof=image(own_orlopd, "some:1"),
    )
    kept(own_orlopd)


@SWEEPS
def test_pull(own_orlopd: Daemon, registry: str, sweep: Sweep) -> None:
    archive(own_orlopd)
    name = f"{registry}/some:1"
    own_orlopd.docker("tag", "some:1", name)
    own_orlopd.docker("push", name)
    own_orlopd.docker("rm", "source")
    own_orlopd.docker("rmi", "some:1")
    sweep(
        own_orlopd,
        ("pull", name),
        lambda: no_image(own_orlopd, name),
        proof=image(own_orlopd, name),
    )
    assert os.listdir(own_orlopd.data_root / "orlop/downloads") == []
    kept(own_orlopd)


def test_push(own_orlopd: Daemon, registry: str) -> None:
    """The first push packs, the next ones find the kept blob or the registry's."""
    archive(own_orlopd)
    own_orlopd.docker("tag", "some:1", f"{registry}/pushed:1")
    at_random(own_orlopd, ("push", f"{registry}/pushed:1"))
    kept(own_orlopd)


@SWEEPS
def test_tag(own_orlopd: Daemon, sweep: Sweep) -> None:
    call = ("tag", "busybox", "other:1")
    sweep(
        own_orlopd,
        call,
        lambda: no_image(own_orlopd, "other:1"),
        proof=image(own_orlopd, "other:1"),
    )
    kept(own_orlopd)


@pytest.mark.parametrize("what", ["rmi", "prune"])
@SWEEPS
def test_removal(own_orlopd: Daemon, sweep: Sweep, what: str) -> None:
    path = archive(own_orlopd)
    own_orlopd.docker("rm", "source")

    def make() -> None:
        own_orlopd.docker("load", "-qi", str(path))
        own_orlopd.docker("tag", "some:1", "some:2")
        if what == "prune":
            no_container(own_orlopd)
            own_orlopd.docker("create", "--name", "one", "busybox", "true")

    calls = {"rmi": ("rmi", "-f", "some:1", "some:2"), "prune": ("image", "prune", "-af")}
    names = ("some:1", "some:2")
    sweep(
        own_orlopd,
        calls[what],
        make,
        proof=lambda: not any(image(own_orlopd, name)() for name in names),
    )
    kept(own_orlopd)


@SWEEPS
def test_create(own_orlopd: Daemon, sweep: Sweep) -> None:
    """Repeated under the name of the first, which is there whole or not at all."""
    call = ("create", "--name", "one", "busybox", "true")

    def there() -> bool:
        return bool(own_orlopd.docker("ps", "-aq", "--filter", "name=one").stdout)

    def repeat() -> None:
        if not there():
            own_orlopd.docker(*call)
        assert own_orlopd.docker("start", "-a", "one").returncode == 0

    sweep(own_orlopd, call, lambda: no_container(own_orlopd), repeat=repeat, proof=there)


@SWEEPS
def test_rm(own_orlopd: Daemon, sweep: Sweep) -> None:
    def make() -> None:
        no_container(own_orlopd)
        own_orlopd.docker("run", "-d", "--name", "one", "busybox", "sleep", "1000")

    def gone() -> bool:
        return own_orlopd.docker("ps", "-aq").stdout == ""

    def repeat() -> None:
        own_orlopd.docker("rm", "-f", "one")  # -f: fine when it is gone
        assert gone()

    sweep(own_orlopd, ("rm", "-f", "one"), make, repeat=repeat, proof=gone)


@SWEEPS
def test_volume_create(own_orlopd: Daemon, sweep: Sweep) -> None:
    """There with its labels and options, or not at all."""
    call = ("volume", "create", "--label=a=b", "--opt=type=tmpfs", "--opt=device=tmpfs", "one")
    shown = ("volume", "inspect", "-f", "{{.Labels.a}} {{.Options.type}}", "one")

    def repeat() -> None:
        own_orlopd.docker(*call)
        assert own_orlopd.docker(*shown).stdout == "b tmpfs\n"

    sweep(
        own_orlopd,
        call,
        lambda: own_orlopd.docker("volume", "rm", "-f", "one"),
        repeat=repeat,
        proof=lambda: own_orlopd.docker(*shown, check=False).stdout == "b tmpfs\n",
    )


@SWEEPS
def test_volume_rm(own_orlopd: Daemon, sweep: Sweep) -> None:
    def make() -> None:
        own_orlopd.docker("volume", "rm", "-f", "one")
        own_orlopd.docker("volume", "create", "--label=a=b", "one")
        script = "mkdir -p /v/d; for i in $(seq 50); do echo $i >/v/d/$i; done"
        own_orlopd.docker(
            "run", "--rm", "--net=none", "-v", "one:/v", "busybox", "sh", "-c", script
        )

    def repeat() -> None:
        own_orlopd.docker("volume", "rm", "-f", "one")
        own_orlopd.docker("volume", "create", "one")  # has nothing of the old one
        assert (
            own_orlopd.docker("volume", "inspect", "-f", "{{.Labels}}", "one").stdout == "map[]\n"
        )

    def gone() -> bool:
        return own_orlopd.docker("volume", "ls", "-q").stdout == ""

    sweep(own_orlopd, ("volume", "rm", "one"), make, repeat=repeat, proof=gone)
