"""Layers with sparse files, as GNU tar writes them: unpacked with their holes, given back whole."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from orlop.errors import InvalidArgument
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.layers import Layers

pytestmark = pytest.mark.root

_MIB = 1 << 20
FORMS = {
    "old": ["--format=gnu"],
    "0.0": ["--format=posix", "--sparse-version=0.0"],
    "0.1": ["--format=posix", "--sparse-version=0.1"],
    "1.0": ["--format=posix", "--sparse-version=1.0"],
}


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    driver = Overlay2(tmp_path / "store/overlay2")
    yield Layers(tmp_path / "store/image/overlay2/layerdb", driver)
    subprocess.run(["umount", str(driver.home)], check=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Holes at the start, in the middle, at the end; many pieces; nothing but a hole; none."""
    made = tmp_path / "tree"
    (made / "deep").mkdir(parents=True)
    with (made / "deep/some").open("wb") as file:
        file.truncate(40 * _MIB)
        file.seek(5 * _MIB)
        file.write(os.urandom(70_000))
        file.seek(20 * _MIB)
        file.write(b"x" * 4096)
    with (made / "many").open("wb") as file:
        for index in range(200):  # more than the header and an extension block hold
            file.seek(index * 128 << 10)
            file.write(b"%04096d" % index)
        file.truncate(30 * _MIB)
    with (made / "hole").open("wb") as file:
        file.truncate(3 * _MIB)
    (made / "zzz").write_bytes(b"behind them all")
    return made


def packed(tree: Path, form: str) -> bytes:
    command = ["tar", "-C", str(tree), "--sparse", "--hole-detection=seek", *FORMS[form], "-cf-"]
    return subprocess.run([*command, "."], check=True, capture_output=True).stdout


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_every_form_of_sparse_files(
    layers: Layers, tree: Path, form: str, compress: type[bytes]
) -> None:
    archive = packed(tree, form)
    assert len(archive) < 5 * _MIB  # else tar found no holes and nothing is tested
    layer = layers.register(None, io.BytesIO(compress(archive)))
    made = layers.driver.tree(layer.cache_id)
    for path in tree.rglob("*"):
        if path.is_file():
            twin = made / path.relative_to(tree)
            assert twin.stat().st_size == path.stat().st_size
            assert twin.read_bytes() == path.read_bytes()
            assert twin.stat().st_mtime_ns // 10**9 == path.stat().st_mtime_ns // 10**9
    used = sum(p.stat().st_blocks * 512 for p in made.rglob("*") if p.is_file())
    assert used < 10 * _MIB, "the holes were written out"
    assert b"".join(layers.open_tar(layer.chain_id)) == archive


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_sparse_archive_leaves_nothing(layers: Layers, tree: Path, form: str) -> None:
    archive = packed(tree, form)
    for cut in (700, len(archive) // 3, len(archive) // 2):  # in a header, and in the data
        with pytest.raises(InvalidArgument):
            layers.register(None, io.BytesIO(archive[:cut]))
    assert layers.driver.all() == []
    assert list((layers.root / "tmp").iterdir()) == []
