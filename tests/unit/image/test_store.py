"""The image store: lookup, restart, damage; names on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes.images import fake_images, layer_tar, put_image
from fakes.layers import FakeLayers

from orlop.errors import InvalidArgument, NotFound
from orlop.image.images import Images
from orlop.image.references import References
from orlop.image.tag import tag
from orlop.oci.digest import ImageID, digest_of
from orlop.oci.reference import parse_normalized

ONE = ImageID(digest_of(b"1"))
TWO = ImageID(digest_of(b"2"))


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return fake_images(tmp_path)


def test_lookup_by_name_id_and_prefix(images: Images) -> None:
    image = put_image(images, "busybox")
    for text in ("busybox", "busybox:latest", "docker.io/library/busybox", image.id, image.id[7:],
                 image.short, image.id[7:10], "sha256:" + image.short):  # fmt: skip
        assert images.get(text).id == image.id, text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("nosuch", "nosuch:latest"), ("nosuch:x", "nosuch:x"), ("sha256:zz", "sha256:zz"),
     ("0123456789ab", "0123456789ab:latest"), ("a" * 64, "sha256:" + "a" * 64)],
)  # fmt: skip
def test_unknown_images(images: Images, text: str, shown: str) -> None:
    with pytest.raises(NotFound) as caught:
        images.get(text)
    assert caught.value.message == f"No such image: {shown}"


@pytest.mark.parametrize("text", ["a b", "A", "busybox@sha256:aa", "../x", ""])
def test_bad_names(images: Images, text: str) -> None:
    with pytest.raises(InvalidArgument):
        images.get(text)


def test_modes_on_disk(images: Images) -> None:
    image = put_image(images, "a:1")
    root = images.root
    assert (root / "repositories.json").stat().st_mode & 0o777 == 0o600
    content = root / "imagedb/content/sha256" / image.id[7:]
    assert content.stat().st_mode & 0o777 == 0o600
    assert content.read_bytes() == image.raw
    for name in ("imagedb", "imagedb/content/sha256", "imagedb/metadata/sha256", "distribution"):
        assert (root / name).stat().st_mode & 0o777 == 0o700
    assert json.loads((root / "repositories.json").read_text()) == {
        "Repositories": {"a": {"a:1": image.id}}
    }


def test_restart_sees_the_same(tmp_path: Path) -> None:
    layers = FakeLayers()
    first = fake_images(tmp_path, layers)
    base = put_image(first, "a:1")
    child = put_image(first, "b", layers=[layer_tar({"z": b""})], parent=base.id)
    again = fake_images(tmp_path, layers)
    assert again.get("a:1") == base
    assert again.get("b").parent == base.id
    assert again.children(base.id) == [child]


def test_damaged_config_and_missing_layer_are_left_out(tmp_path: Path) -> None:
    layers = FakeLayers()
    first = fake_images(tmp_path, layers)
    broken = put_image(first, "a:1")
    lost = put_image(first, "b", layers=[layer_tar({"z": b""})])
    fine = put_image(first, "c", layers=[layer_tar({"y": b""})])
    path = first.root / "imagedb/content/sha256" / broken.id[7:]
    path.write_bytes(path.read_bytes()[:-1])
    del layers.layers[lost.chains[0]]
    again = fake_images(tmp_path, layers)
    assert [i.id for i in again.all()] == [fine.id]
    assert path.exists()  # left for whoever repairs it


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff{", b'{"Repositories":{"a":{"a:1":"sha256:zz"}}}'],
)
def test_damaged_names_are_set_aside(
    tmp_path: Path, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "repositories.json"
    path.write_bytes(raw)
    assert References(path).all() == {}
    assert (tmp_path / "repositories.json.damaged").read_bytes() == raw
    assert f"{path} is damaged" in caplog.text
    assert json.loads(path.read_bytes()) == {"Repositories": {}}
    path.write_bytes(raw)
    References(path)
    assert len(list(tmp_path.glob("*.damaged*"))) == 2  # the first is not written over


def test_whole_entries_of_a_damaged_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "repositories.json"
    names = References(path)
    a, b = (parse_normalized(text).with_default_tag() for text in ("a:1", "b:1"))
    names.set_tag(a, ONE)
    names.set_tag(b, TWO)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = References(path).all()
        assert found.items() <= {a: ONE, b: TWO}.items()
        assert (a in found) == (whole[:length].find(b'"a:1":"' + ONE.encode() + b'"') >= 0)
        assert References(path).all() == found  # and is a right file now


def test_digest_never_moves(tmp_path: Path) -> None:
    names = References(tmp_path / "r.json")
    name = parse_normalized("a").with_digest(digest_of(b"m"))
    names.set_digest(name, ONE)
    names.set_digest(name, ONE)
    with pytest.raises(Exception, match="Cannot overwrite digest"):
        names.set_digest(name, TWO)


def test_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = References(tmp_path / "r.json")
    name = parse_normalized("a:1")
    names.set_tag(name, ONE)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orlop.files.write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        names.set_tag(name, TWO)
    with pytest.raises(OSError, match="No space"):
        names.remove(name)
    assert names.get(name) == ONE


@pytest.mark.parametrize(
    ("repo", "name", "text"),
    [
        ("Xx", "y", "invalid reference format: repository name (library/Xx) must be lowercase"),
        ("x", "y z", "invalid tag format"),
        ("x@sha256:" + "a" * 64, "", "cannot import digest reference"),
        ("a" * 64, "", f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal"
         " strings"),
        ("sha256", "x", "refusing to create an ambiguous tag using digest algorithm as name"),
    ],
)  # fmt: skip
def test_bad_tags(images: Images, repo: str, name: str, text: str) -> None:
    put_image(images, "busybox")
    with pytest.raises(InvalidArgument) as caught:
        tag(images, "busybox", repo, name)
    assert caught.value.message == text
    assert len(images.references.all()) == 1


def test_sweep_takes_layers_without_an_image(tmp_path: Path) -> None:
    layers = FakeLayers()
    first = fake_images(tmp_path, layers)
    kept = put_image(first, "kept:1")
    lost = put_image(first, layers=[layer_tar({"z": b""}), layer_tar({"y": b""})])
    (first.root / "imagedb/content/sha256" / lost.id[7:]).unlink()
    again = fake_images(tmp_path, layers)
    assert sorted(again.sweep()) == sorted(lost.chains)
    assert layers.has(kept.chains[0])
    assert again.sweep() == []


def test_sweep_leaves_layers_of_damaged_images(tmp_path: Path) -> None:
    layers = FakeLayers()
    broken = put_image(fake_images(tmp_path, layers), "kept:1")
    path = tmp_path / "image/overlay2/imagedb/content/sha256" / broken.id[7:]
    path.write_bytes(b"{")
    assert fake_images(tmp_path, layers).sweep() == []
    assert layers.has(broken.chains[0])


def test_scratch_keeps_only_recent_downloads(images: Images, tmp_path: Path) -> None:
    recent, old, folder = (images.scratch / name for name in ("a", "b", "debian-x"))
    recent.touch()
    old.touch()
    os.utime(old, (0, 0))
    (folder / "root").mkdir(parents=True)
    again = fake_images(tmp_path, images.layers)
    assert list(again.scratch.iterdir()) == [recent]
