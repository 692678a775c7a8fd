"""EIO at the system calls that change something, one at a time: an error for the client, and
nothing else."""

from __future__ import annotations

import pytest
from daemon import Daemon
from failing import at_every_error
from interrupting import archive, image, kept, no_container, no_image

pytestmark = [pytest.mark.root, pytest.mark.timeout(3600)]


def test_tag(own_orlopd: Daemon) -> None:
    at_every_error(
        own_orlopd,
        ("tag", "busybox", "other:1"),
        lambda: no_image(own_orlopd, "other:1"),
        proof=image(own_orlopd, "other:1"),
    )
    kept(own_orlopd)


@pytest.mark.parametrize("what", ["load", "commit", "pull"])
def test_image(own_orlopd: Daemon, registry: str, what: str) -> None:
    path = archive(own_orlopd)
    name = f"{registry}/some:1"
    own_orlopd.docker("tag", "some:1", name)
    own_orlopd.docker("push", name)
    own_orlopd.docker("rmi", name)
    calls = {"load": ("load", "-i", str(path)), "commit": ("commit", "source", "some:1"),
             "pull": ("pull", name)}  # fmt: skip
    made = name if what == "pull" else "some:1"
    at_every_error(
        own_orlopd,
        calls[what],
        lambda: own_orlopd.docker("rmi", "-f", "some:1", name, check=False),
        proof=image(own_orlopd, made),
    )
    kept(own_orlopd)


def test_rmi(own_orlopd: Daemon) -> None:
    path = archive(own_orlopd)
    own_orlopd.docker("rm", "source")
    at_every_error(
        own_orlopd,
        ("rmi", "-f", "some:1"),
        lambda: own_orlopd.docker("load", "-qi", str(path)),
        repeat=lambda: no_image(own_orlopd, "some:1"),
        proof=lambda: not image(own_orlopd, "some:1")(),
    )
    kept(own_orlopd)


def test_create(own_orlopd: Daemon) -> None:
    call = ("create", "--name", "one", "-v", "kept:/v", "busybox", "true")

    def there() -> bool:
        return bool(own_orlopd.docker("ps", "-aq", "--filter", "name=one").stdout)

    def repeat() -> None:
        if not there():
            own_orlopd.docker(*call)
        own_orlopd.docker("start", "-a", "one")

    at_every_error(own_orlopd, call, lambda: no_container(own_orlopd), repeat=repeat, proof=there)
    kept(own_orlopd)


def test_rm(own_orlopd: Daemon) -> None:
    def make() -> None:
        no_container(own_orlopd)
        own_orlopd.docker("run", "-d", "--name", "one", "busybox", "sleep", "1000")

    at_every_error(
        own_orlopd,
        ("rm", "-f", "one"),
        make,
        repeat=lambda: no_container(own_orlopd),
        proof=lambda: own_orlopd.docker("ps", "-aq").stdout == "",
    )
    kept(own_orlopd)


@pytest.mark.parametrize("what", ["create", "rm"])
def test_volume(own_orlopd: Daemon, what: str) -> None:
    def there() -> bool:
        return own_orlopd.docker("volume", "ls", "-q").stdout == "one\n"

    def gone() -> bool:
        return not own_orlopd.docker("volume", "ls", "-q").stdout

    create = ("volume", "create", "--label=a=b", "one")
    remove = ("volume", "rm", "-f", "one")
    call, before, proof = (create, remove, there) if what == "create" else (remove, create, gone)
    at_every_error(
        own_orlopd,
        call,
        lambda: own_orlopd.docker(*before),
        repeat=lambda: own_orlopd.docker(*call),
        proof=proof,
    )
