"""Artifacts and lists of platforms, on our registry and on one that knows no referrers."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.images import document, fake_images, gz, layer_tar, put_image
from fakes.registry import Registry
from fakes.served_registry import ServedRegistry

from orlop.errors import InvalidArgument, NotFound, OrlopError
from orlop.image.artifacts import artifacts, attach, fetch, manifest_of
from orlop.image.images import Images
from orlop.image.lists import described, push_list
from orlop.image.pull import pull
from orlop.image.push import push
from orlop.image.tag import tag
from orlop.oci.digest import digest_of
from orlop.oci.manifest import DOCKER_LIST, OCI_INDEX


@pytest.fixture(params=["ours", "old"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A registry with the referrers API, and one without."""
    if request.param == "ours":
        served = ServedRegistry(tmp_path / "served")
        yield served.host
        served.close()
        return
    with Registry() as old:
        yield old.host


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return fake_images(tmp_path / "here")


def pushed(images: Images, name: str, **extra: Any) -> str:
    """An image in the registry; the digest of its manifest."""
    put_image(images, name, layers=[layer_tar({"a": os.urandom(50)})], **extra)
    rows = list(push(images, name))
    return str(next(row["aux"]["Digest"] for row in rows if "aux" in row))


def test_attach_list_and_fetch(images: Images, host: str) -> None:
    name = f"{host}/a/b:1"
    subject = pushed(images, name)
    assert artifacts(images, name) == []
    data = os.urandom(300_000)
    made = attach(
        images, name, io.BytesIO(data), kind="test/sbom", title="x/sbom.json",
        media_type="application/json", annotations={"k": "v"},
    )  # fmt: skip
    other = attach(images, name, io.BytesIO(b"sig"), kind="test/signature")
    found = artifacts(images, name)
    assert {row["digest"] for row in found} == {made["digest"], other["digest"]}
    (row,) = artifacts(images, name, kind="test/sbom")
    assert row["annotations"]["k"] == "v"
    shown = manifest_of(images, f"{host}/a/b@{made['digest']}")
    manifest = json.loads(shown["Manifest"])
    assert manifest["subject"]["digest"] == subject
    assert manifest["artifactType"] == "test/sbom"
    (layer,) = manifest["layers"]
    assert layer["annotations"] == {"org.opencontainers.image.title": "sbom.json"}
    whole = b"".join(fetch(images, f"{host}/a/b@{made['digest']}", layer["digest"]))
    assert whole == data
    with pytest.raises(NotFound):
        fetch(images, f"{host}/a/b@{made['digest']}", digest_of(b"other"))
    assert list(images.scratch.iterdir()) == []


def test_the_same_artifact_twice_is_one(images: Images, host: str) -> None:
    name = f"{host}/a/b:1"
    pushed(images, name)
    for _ in range(2):
        attach(
            images, name, io.BytesIO(b"x"), kind="test/x",
            annotations={"org.opencontainers.image.created": "2024-01-01T00:00:00Z"},
        )  # fmt: skip
    assert len(artifacts(images, name)) == 1


def test_what_cannot_be_attached(images: Images, host: str) -> None:
    with pytest.raises(InvalidArgument, match="media type"):
        attach(images, f"{host}/a:1", io.BytesIO(b""), kind="sbom")
    with pytest.raises(OrlopError):
        attach(images, f"{host}/a:none", io.BytesIO(b""), kind="test/x")


def test_a_list_of_platforms(images: Images, host: str, tmp_path: Path) -> None:
    """Of two repositories: what it names is mounted into its own."""
    pushed(images, f"{host}/a:amd", architecture="amd64")
    arm = pushed(images, f"{host}/b:arm", architecture="arm64")
    assert described(images, f"{host}/b:arm")["platform"] == {
        "architecture": "arm64", "os": "linux",
    }  # fmt: skip
    made = push_list(
        images,
        f"{host}/a:all",
        [{"Ref": f"{host}/a:amd"}, {"Ref": f"{host}/b:arm", "Platform": {"variant": "v8"}}],
    )
    assert made["MediaType"] == DOCKER_LIST
    shown = manifest_of(images, f"{host}/a:all")
    assert shown["Digest"] == made["Digest"]
    rows = json.loads(shown["Manifest"])["manifests"]
    assert rows[1]["digest"] == arm
    assert rows[1]["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
    there = fake_images(tmp_path / "there")
    list(pull(there, f"{host}/a:all", platform="linux/arm64/v8"))
    assert there.get(f"{host}/a:all").id == images.get(f"{host}/b:arm").id


def test_lists_that_cannot_be_made(images: Images, host: str) -> None:
    pushed(images, f"{host}/a:1")
    push_list(images, f"{host}/a:list", [{"Ref": f"{host}/a:1"}])
    for entries, text in (
        ([], "at least one"),
        ([{"Ref": f"{host}/a:list"}], "is a manifest list"),
        ([{"Ref": "elsewhere/a:1"}], "different registry"),
        ([{"Ref": f"{host}/a:1", "Platform": {"cpu": "x"}}], "unknown platform field"),
    ):
        with pytest.raises(InvalidArgument, match=text):
            push_list(images, f"{host}/a:2", entries)
    with pytest.raises(InvalidArgument, match="under a tag"):
        push_list(images, f"{host}/a@{digest_of(b'')}", [{"Ref": f"{host}/a:1"}])


def test_an_oci_image_makes_it_an_oci_index(images: Images) -> None:
    with Registry() as registry:
        layer = layer_tar({"a": b"1"})
        registry.add_image(
            "a", "oci", [gz(layer)], document([layer]),
            kind="application/vnd.oci.image.manifest.v1+json",
            layer_type="application/vnd.oci.image.layer.v1.tar+gzip",
            config_type="application/vnd.oci.image.config.v1+json",
        )  # fmt: skip
        made = push_list(images, f"{registry.host}/a:x", [{"Ref": f"{registry.host}/a:oci"}])
        assert made["MediaType"] == OCI_INDEX


def test_names_of_images_are_not_touched(images: Images, host: str) -> None:
    pushed(images, f"{host}/a:1")
    tag(images, f"{host}/a:1", "kept:1")
    before = images.references.all()
    push_list(images, f"{host}/a:list", [{"Ref": f"{host}/a:1"}])
    attach(images, f"{host}/a:1", io.BytesIO(b"x"), kind="test/x")
    assert images.references.all() == before
