"""Layer archives made at random, from pieces that hurt: the host stays as it was, the answer is
one of ours, what was stored comes back byte for byte.

Positive control: `test_the_canary_sees_a_write`.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import Canary
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from limits import FULL, SEED

from orlop.errors import OrlopError
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.layers import Layers

pytestmark = [pytest.mark.root, pytest.mark.timeout(3600)]
EXAMPLES = 5000 if FULL else 60

PIECES = st.sampled_from(
    ["a", "b", "dir", "..", ".", "", "link", "canary", ".wh.a", ".wh..wh..opq", ".wh.", ".wh..",
     ".wh..wh.plnk", "x" * 120, "é", "\n", "a b", "-", ".wh.link", "\udcff"]
)  # fmt: skip
NAMES = st.builds(
    lambda parts, lead, tail: lead + "/".join(parts) + tail,
    st.lists(PIECES, min_size=1, max_size=5),
    st.sampled_from(["", "/", "./", "../", "../" * 20, "@"]),
    st.sampled_from(["", "", "/"]),
)
KINDS = st.sampled_from(
    [tarfile.REGTYPE] * 4
    + [tarfile.DIRTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
    + [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.AREGTYPE, b"7", b"Z"]
)
XATTRS = st.dictionaries(
    st.sampled_from(
        [
            "trusted.overlay.redirect",
            "trusted.overlay.opaque",
            "user.overlay.opaque",
            "user.a",
            "security.capability",
            "trusted.overlay.metacopy",
            "system.posix_acl_access",
        ]
    ),
    st.sampled_from(["y", "/dir", "", "\x01\x00\x00\x02" + "\x00" * 16]),
    max_size=2,
)
MEMBERS = st.lists(
    st.tuples(
        NAMES, KINDS, NAMES, st.binary(max_size=1500), XATTRS,
        st.sampled_from([0o644, 0o4777, 0, 0o7777]),
        st.sampled_from([0, 1000, 65534, 3_000_000]),
    ),
    max_size=8,
)  # fmt: skip
DAMAGE = st.one_of(
    st.none(),
    st.tuples(st.floats(0, 1), st.integers(0, 255)),  # one byte at a relative position
    st.floats(0, 1),  # cut there
)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Canary(Path(folder) / "canary")


@pytest.fixture(scope="module")
def layers() -> Iterator[Layers]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        driver = Overlay2(Path(folder) / "overlay2")
        yield Layers(Path(folder) / "layerdb", driver)
        subprocess.run(["umount", str(driver.home)], check=True)


def archive(members: list[tuple[object, ...]], canary: Canary) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, link, content, xattrs, mode, uid in members:
            info = tarfile.TarInfo(_aimed(str(name), canary))
            info.type = bytes(kind)  # type: ignore[call-overload]
            info.linkname = _aimed(str(link), canary)
            info.mode, info.uid, info.gid = int(mode), int(uid), int(uid)  # type: ignore[call-overload]
            info.devmajor, info.devminor = 1, 3
            assert isinstance(content, bytes)
            assert isinstance(xattrs, dict)
            info.pax_headers = {f"SCHILY.xattr.{k}": v for k, v in xattrs.items()}
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _aimed(name: str, canary: Canary) -> str:
    return name.replace("@", f"{canary.base}/", 1)


def damaged(data: bytes, how: object) -> bytes:
    if isinstance(how, tuple):
        at = min(int(how[0] * len(data)), len(data) - 1)
        return data[:at] + bytes([how[1]]) + data[at + 1 :]
    if isinstance(how, float):
        return data[: int(how * len(data))]
    return data


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@seed(SEED)
@given(members=MEMBERS, damage=DAMAGE)
def test_random_layers(
    layers: Layers, canary: Canary, members: list[tuple[object, ...]], damage: object
) -> None:
    data = damaged(archive(members, canary), damage)
    before = set(layers.driver.all())
    try:
        layer = layers.register(None, io.BytesIO(data))
    except OrlopError:
        assert set(layers.driver.all()) == before
        assert list((layers.root / "tmp").iterdir()) == []
    else:
        assert layer.diff_id == "sha256:" + hashlib.sha256(data).hexdigest()
        assert b"".join(layers.open_tar(layer.chain_id)) == data
        _no_overlay_attributes(layers.driver.tree(layer.cache_id))
        layers.delete(layer.chain_id)
        layers.deletions.submit(lambda: None).result()  # files go behind the answer
    assert canary.intact()


def _no_overlay_attributes(tree: Path) -> None:
    """None of the archive's; an opaque mark is what a whiteout became."""
    for path in [tree, *tree.rglob("*")]:
        for name in os.listxattr(path, follow_symlinks=False):
            if "overlay" in name:
                assert name == "trusted.overlay.opaque"
                assert path.is_dir()


def test_the_canary_sees_a_write(tmp_path: Path) -> None:
    bird = Canary(tmp_path / "canary")
    assert bird.intact()
    os.chmod(bird.base / "dir", 0o700)
    assert not bird.intact()
