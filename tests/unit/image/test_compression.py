"""In which form layers are pushed, and that nothing takes one for another."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from fakes.images import fake_images, layer_tar, put_image
from fakes.registry import Registry

from orlop.errors import InvalidArgument
from orlop.image.packing import DEFAULT, Form, Packing, form_of
from orlop.image.pull import pull
from orlop.image.push import push
from orlop.image.tag import tag
from orlop.oci.manifest import DOCKER_MANIFEST, OCI_MANIFEST

LAYER = layer_tar({"text": b"some words " * 20_000, "noise": os.urandom(20_000)})


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.mark.parametrize(
    "text", ["gzip", "gzip:0", "gzip:1", "gzip:9", "zstd", "zstd:1", "zstd:19"]
)
def test_every_form_is_read_back_and_repeats(text: str) -> None:
    made = []
    for _ in range(2):
        packing = Packing(iter([LAYER[:1000], LAYER[1000:]]), form=form_of(text))
        made.append(b"".join(packing))
        assert packing.size == len(made[-1])
    assert made[0] == made[1]
    plain = zstandard.ZstdDecompressor().decompressobj().decompress if "zstd" in text else (
        gzip.decompress
    )  # fmt: skip
    assert plain(made[0]) == LAYER


def test_the_default_has_no_other_name() -> None:
    assert form_of("") == form_of("gzip") == form_of("gzip:2") == DEFAULT
    assert len({form_of(t).name for t in ("gzip:1", "gzip:2", "gzip:6", "zstd", "zstd:1")}) == 5


@pytest.mark.parametrize(
    "text", ["lz4", "gzip:10", "zstd:0", "zstd:23", "gzip:", "gzip:-1", "ZSTD"]
)
def test_what_is_no_form(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="invalid compression"):
        push(fake_images(tmp_path), "x:1", compression=text)


def manifest(registry: Registry, name: str, tag: str) -> tuple[str, dict[str, object]]:
    kind, raw = registry.manifests[name, tag]
    return kind, json.loads(raw)


def test_zstd_and_gzip_of_one_layer_side_by_side(registry: Registry, tmp_path: Path) -> None:
    """Neither is taken for the other, whatever was pushed, kept or noted before."""
    images = fake_images(tmp_path / "here")
    name = f"{registry.host}/a"
    put_image(images, f"{name}:1", layers=[LAYER])
    tag(images, f"{name}:1", f"{name}:2")
    for _ in range(2):
        list(push(images, name, tag="1", compression="zstd"))
        list(push(images, name, tag="2"))
    kind, packed = manifest(registry, "a", "1")
    assert kind == OCI_MANIFEST
    (layer,) = packed["layers"]  # type: ignore[misc]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+zstd"
    assert registry.blobs["a", layer["digest"]].startswith(b"\x28\xb5\x2f\xfd")
    kind, plain = manifest(registry, "a", "2")
    assert kind == DOCKER_MANIFEST
    (layer,) = plain["layers"]  # type: ignore[misc]
    assert layer["mediaType"].endswith("gzip")
    assert registry.blobs["a", layer["digest"]].startswith(b"\x1f\x8b")
    for wanted in "12":
        there = fake_images(tmp_path / f"there{wanted}")
        list(pull(there, f"{name}:{wanted}"))
        assert there.get(f"{name}:{wanted}").diff_ids == images.get(f"{name}:1").diff_ids


def test_a_pulled_zstd_layer_is_not_pushed_as_gzip(registry: Registry, tmp_path: Path) -> None:
    first = fake_images(tmp_path / "first")
    put_image(first, f"{registry.host}/a:1", layers=[LAYER])
    list(push(first, f"{registry.host}/a", tag="1", compression="zstd:5"))
    second = fake_images(tmp_path / "second")
    list(pull(second, f"{registry.host}/a:1"))
    tag(second, f"{registry.host}/a:1", f"{registry.host}/a:2")
    list(push(second, f"{registry.host}/a", tag="2"))
    _, document = manifest(registry, "a", "2")
    (layer,) = document["layers"]  # type: ignore[misc]
    assert registry.blobs["a", layer["digest"]].startswith(b"\x1f\x8b")


def test_a_second_push_sends_what_is_kept(registry: Registry, tmp_path: Path) -> None:
    images = fake_images(tmp_path / "here")
    put_image(images, f"{registry.host}/a:1", layers=[LAYER])
    tag(images, f"{registry.host}/a:1", f"{registry.host}/b:1")
    list(push(images, f"{registry.host}/a", tag="1"))
    images.layers.open_tar = None  # type: ignore[method-assign,assignment]
    registry.blobs.clear()
    list(push(images, f"{registry.host}/b", tag="1"))
    _, document = manifest(registry, "b", "1")
    (layer,) = document["layers"]  # type: ignore[misc]
    assert gzip.decompress(registry.blobs["b", layer["digest"]]) == LAYER


def test_without_a_cache_nothing_is_kept(registry: Registry, tmp_path: Path) -> None:
    images = fake_images(tmp_path / "here", blob_cache_size=0)
    put_image(images, f"{registry.host}/a:1", layers=[LAYER])
    list(push(images, f"{registry.host}/a", tag="1"))
    assert images.blobs.all() == []


def test_the_cache_lets_the_longest_unused_go(tmp_path: Path) -> None:
    images = fake_images(tmp_path, blob_cache_size=2500)
    images.blobs.pinned = tuple
    digests = []
    for number in range(3):
        incoming = images.blobs.new()
        incoming.write(bytes([number]) * 1000)
        digests.append(images.blobs.commit(incoming))
        os.utime(images.blobs.path(digests[-1]), (1000 + number, 1000 + number))
    file = images.blobs.open(digests[0])  # used just now
    assert file is not None
    file.close()
    assert images.blobs.trim() == 1000
    assert set(images.blobs.all()) == {digests[0], digests[2]}
    images.blobs.pinned = lambda: [digests[2]]
    assert images.blobs.trim(0) == 1000
    assert images.blobs.all() == [digests[2]]
    assert Form("zstd", 3) != DEFAULT
