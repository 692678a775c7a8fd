"""`--cache-to` and `--cache-from`: a registry, an image that is its own cache, a directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon, with_busybox

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with with_busybox(Daemon(name="caches")) as made:
        yield made


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "Dockerfile").write_text(
        "FROM busybox\nENV A=1\nRUN head -c 8 /dev/urandom > /random\nCOPY a.txt /\nCMD a\n"
    )
    return folder


def emptied(daemon: Daemon) -> None:
    """Nothing of an earlier build is here any more but the base."""
    gone = daemon.docker("images", "-q", "--filter", "reference=*cached*").stdout.split()
    for name in daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        if name != "busybox:latest" and "<none>" not in name:
            daemon.docker("rmi", name)
    daemon.orlop("builder", "prune", "-af")
    daemon.docker("image", "prune", "-f")
    assert gone or daemon.docker("images", "-q").stdout.count("\n") == 1


def built(daemon: Daemon, context: Path, *flags: str) -> tuple[str, int]:
    """(image ID, number of cached steps)."""
    iid = context.parent / "iid"
    found = daemon.orlop("build", "--progress=plain", "--iidfile", str(iid), *flags, str(context))
    return iid.read_text(), found.stderr.count(" CACHED\n")


@pytest.mark.parametrize("kind", ["registry", "inline", "local", "name"])
def test_a_cache_from_elsewhere(
    daemon: Daemon, context: Path, registry: str, tmp_path: Path, kind: str
) -> None:
    name = f"{registry}/cached-{kind}:1"
    store, load = {
        "registry": ([f"type=registry,ref={name}"], f"type=registry,ref={name}"),
        "inline": (["type=inline"], f"type=registry,ref={name}"),
        "local": ([f"type=local,dest={tmp_path}/c"], f"type=local,src={tmp_path}/c"),
        "name": ([name], name),
    }[kind]
    flags = ["--cache-to", *store]
    if kind == "inline":
        flags += ["-t", name, "--push"]
    first, _ = built(daemon, context, *flags)
    emptied(daemon)
    if kind == "name":
        daemon.docker("pull", "-q", name)
    again, cached = built(daemon, context, "--cache-from", load)
    assert (again, cached) == (first, 2)
    emptied(daemon)
    other, cached = built(daemon, context)
    assert (other != first, cached) == (True, 0)  # without it the step runs anew


def test_a_cache_that_is_not_there_is_no_error(
    daemon: Daemon, context: Path, registry: str, tmp_path: Path
) -> None:
    for source in (f"type=registry,ref={registry}/nowhere:1", f"type=local,src={tmp_path}/none"):
        assert built(daemon, context, "--cache-from", source)[0].startswith("sha256:")
    failed = daemon.orlop("build", "--cache-from", "type=gha", str(context), check=False)
    assert "unknown cache importer: gha" in failed.stderr
