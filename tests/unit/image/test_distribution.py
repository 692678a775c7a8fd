"""What is known of layers in registries goes with the layers."""

from __future__ import annotations

import os
from pathlib import Path

from orlop.image.distribution import Distribution, Source
from orlop.oci.digest import DiffID, digest_of


def diff(text: bytes) -> DiffID:
    return DiffID(digest_of(text))


def files(root: Path) -> list[str]:
    return [name for _, _, names in os.walk(root) for name in names]


def test_maps_go_with_their_layer(tmp_path: Path) -> None:
    store = Distribution(tmp_path)
    store.add(diff(b"a"), Source(digest_of(b"1"), "x/a"))
    store.add(diff(b"a"), Source(digest_of(b"2"), "x/a"))
    store.add(diff(b"b"), Source(digest_of(b"3"), "x/b"))
    store.drop(diff(b"a"))
    store.drop(diff(b"never"))
    assert store.sources(diff(b"a")) == []
    assert store.diff_id(digest_of(b"1")) is None
    assert store.diff_id(digest_of(b"3")) == diff(b"b")
    store.drop(diff(b"b"))
    assert files(tmp_path) == []


def test_a_blob_that_became_another_layer_stays_known(tmp_path: Path) -> None:
    store = Distribution(tmp_path)
    store.add(diff(b"a"), Source(digest_of(b"1"), "x/a"))
    store.add(diff(b"b"), Source(digest_of(b"1"), "x/b"))
    store.drop(diff(b"a"))
    assert store.diff_id(digest_of(b"1")) == diff(b"b")


def test_what_a_crash_left(tmp_path: Path) -> None:
    store = Distribution(tmp_path)
    store.add(diff(b"a"), Source(digest_of(b"1"), "x/a"))
    store.add(diff(b"b"), Source(digest_of(b"2"), "x/b"))
    (tmp_path / "v2metadata-by-diffid/sha256" / diff(b"b")[7:]).unlink()  # half of it
    store.keep_only({diff(b"a")})
    assert store.diff_id(digest_of(b"2")) is None
    assert store.diff_id(digest_of(b"1")) == diff(b"a")
    store.keep_only(set())
    assert files(tmp_path) == []
