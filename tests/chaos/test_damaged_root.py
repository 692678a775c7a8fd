"""A data root with damaged, truncated and missing files: the daemon starts, says in its log what is
damaged, and serves the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def whole() -> Iterator[Daemon]:
    """One image with a layer of its own, containers, a volume, a network; reused by each test."""
    daemon = Daemon(name="damaged").start()
    try:
        daemon.orlop("bootstrap", "busybox")
        daemon.orlop("run", "--name", "made", "busybox", "sh", "-c", "echo x > /x")
        daemon.orlop("commit", "made", "other")
        daemon.orlop("volume", "create", "--label", "a=b", "v1")
        daemon.orlop("network", "create", "n1")
        daemon.orlop("create", "--name", "broken", "busybox", "true")
        daemon.orlop("run", "-d", "--name", "lives", "busybox", "sleep", "1000")
        yield daemon
    finally:
        daemon.orlop("rm", "-f", "lives", check=False)
        daemon.close()


def one(root: Path, pattern: str, mark: bytes = b"") -> Path:
    """The file of this pattern that holds `mark`."""
    (found,) = (path for path in root.glob(pattern) if mark in path.read_bytes())
    return found


FILES = {
    "config": ("containers/*/config.v2.json", b'"/broken"'),
    "volume": ("orlop/volumes/v1.json", b""),
    "networks": ("orlop/networks.json", b""),
    "names": ("image/overlay2/repositories.json", b""),
    "engine-id": ("engine-id", b""),
    "image": ("image/overlay2/imagedb/content/sha256/*", b"echo x"),
    "layer": ("image/overlay2/layerdb/sha256/*/parent", b""),
}
SILENT = ("engine-id", "networks-missing", "names-missing", "volume-missing")


# the layers of an image that is gone are garbage, and are swept: nothing to come back to
CASES = [
    (what, how)
    for what in FILES
    for how in ("cut", "noise", "missing")
    if (what, how) != ("image", "missing")
]


@pytest.mark.parametrize(("what", "how"), CASES)
def test_the_rest_is_served(whole: Daemon, what: str, how: str) -> None:
    path = one(whole.data_root, *FILES[what])
    right = path.read_bytes()
    whole.kill()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(right[: len(right) // 2] if how == "cut" else b"\xff\0{")
    try:
        whole.log.write_bytes(b"")
        whole.start()
        assert "lives" in whole.orlop("ps", "--format", "{{.Names}}").stdout.split()
        id = whole.orlop("inspect", "-f", "{{.Image}}", "lives").stdout.strip()
        assert whole.orlop("run", "--rm", id, "echo", "ok").stdout == "ok\n"
        for listing in (("images",), ("volume", "ls"), ("network", "ls"), ("ps", "-a")):
            whole.orlop(*listing)
        if what not in SILENT and f"{what}-{how}" not in SILENT:
            text = whole.log.read_text()
            assert "damaged" in text or "left out" in text or "missing" in text, text
    finally:
        whole.kill()
        path.write_bytes(right)
        whole.start()
    assert "broken" in whole.orlop("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert whole.orlop("run", "--rm", "other", "cat", "/x").stdout == "x\n"
