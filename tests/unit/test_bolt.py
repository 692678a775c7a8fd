from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop import bolt

VECTORS = Path(__file__).parent.parent / "vectors" / "bolt"
FILES = sorted(VECTORS.glob("*.db.gz"))

_keys = st.binary(min_size=1, max_size=40)
_buckets = st.recursive(
    st.dictionaries(_keys, st.binary(max_size=6000), max_size=8),
    lambda inner: st.dictionaries(_keys, st.one_of(st.binary(max_size=50), inner), max_size=5),
    max_leaves=20,
)


def data(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_dockerd_wrote(path: Path) -> None:
    top = bolt.read(data(path))
    (bucket,) = top.values()
    assert isinstance(bucket, dict)
    assert len(bucket) >= 4
    assert all(isinstance(value, bytes) for value in bucket.values())
    assert any(value.endswith(b"}") for value in bucket.values() if isinstance(value, bytes))
    written = bolt.write(top)
    assert bolt.read(written) == top
    assert len(written) <= len(data(path))


@given(_buckets)
@settings(deadline=None)
def test_every_file_reads_back(top: bolt.Bucket) -> None:
    assert bolt.read(bolt.write(top)) == top


def test_branches_of_branches() -> None:
    top: bolt.Bucket = {b"b": {b"key %06d" % n: b"v" * 300 for n in range(20_000)}}
    assert bolt.read(bolt.write(top)) == top


def test_an_empty_file_is_an_empty_database() -> None:
    assert bolt.read(b"") == {}
    assert bolt.read(bolt.write({})) == {}


def test_the_older_meta_page_serves_when_the_newer_is_torn() -> None:
    whole = bytearray(bolt.write({b"k": b"v"}))
    whole[4096 + 30] ^= 1
    assert bolt.read(bytes(whole)) == {b"k": b"v"}
    whole[30] ^= 1
    with pytest.raises(bolt.Damaged, match="meta"):
        bolt.read(bytes(whole))


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_damage_is_told_not_suffered(draw: st.DataObject) -> None:
    whole = bytearray(data(FILES[0]))
    for _ in range(draw.draw(st.integers(1, 4))):
        whole[draw.draw(st.integers(0, len(whole) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(whole)))
    for damaged in (bytes(whole), bytes(whole[:cut])):
        try:
            bolt.read(damaged)
        except bolt.Damaged:
            pass


def test_a_page_that_leads_to_itself() -> None:
    top: bolt.Bucket = {b"key %06d" % n: b"v" * 300 for n in range(100)}
    whole = bytearray(bolt.write(top))
    root = len(whole) // 4096 - 1
    at = root * 4096 + 16 + 8  # the first element's page
    whole[at : at + 8] = root.to_bytes(8, "little")
    with pytest.raises(bolt.Damaged):
        bolt.read(bytes(whole))
