"""The built-in registry and the images of its host; who may use it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes.images import fake_images, layer_tar, put_image
from fakes.served_registry import EMPTY, ServedRegistry, artifact, push, put, upload

from orlop.api.registry.guard import from_htpasswd
from orlop.errors import InvalidArgument
from orlop.image.remove import remove
from orlop.oci.digest import digest_of
from orlop.oci.manifest import DOCKER_MANIFEST
from orlop.oci.reference import parse_normalized

LAYER = layer_tar({"a": b"hello"})


def test_local_names_decide(registry: ServedRegistry) -> None:
    """`tag` and `rmi` on this host change what is published."""
    raw = push(registry, "a", "1")
    other = put_image(registry.images, "a:2", layers=[layer_tar({"z": b"9"})])
    name = parse_normalized("a:1")
    registry.images.references.set_tag(name, other.id)
    shown = registry.ask("GET", "a/manifests/1")
    assert shown.headers["content-type"] == DOCKER_MANIFEST
    assert json.loads(shown.body)["config"]["digest"] == other.id
    registry.images.references.remove(name)
    assert registry.ask("GET", "a/manifests/1").status == 404
    assert registry.ask("GET", "a/tags/list").json["tags"] == ["2"]
    assert registry.ask("GET", f"a/manifests/{digest_of(raw)}").body == raw


def test_a_removed_image_takes_its_manifests_along(registry: ServedRegistry) -> None:
    raw = push(registry, "a", "1")
    kept = push(registry, "a", "2")
    remove(registry.images, "a:1")
    assert registry.ask("GET", f"a/manifests/{digest_of(raw)}").status == 404
    assert registry.ask("GET", f"a/manifests/{digest_of(kept)}").body == kept
    registry.images.blobs._reserved.clear()
    registry.images.blobs.trim(0)
    left = {digest_of(kept), *(d["digest"] for d in json.loads(kept)["layers"])}
    assert set(registry.images.blobs.all()) == {*left, json.loads(kept)["config"]["digest"]}


# --- images of this host ----------------------------------------------------------------------


def test_images_that_nobody_pushed(registry: ServedRegistry) -> None:
    made = put_image(registry.images, "b:1", layers=[LAYER, layer_tar({"c": os.urandom(5000)})])
    put_image(registry.images, "quay.io/x/y:2")
    put_image(registry.images, "localhost:5000/z:3")  # an address is no name
    assert registry.ask("GET", "/v2/_catalog").json["repositories"] == ["b", "quay.io/x/y"]
    shown = registry.ask("GET", "library/b/manifests/1")
    manifest = shown.json
    assert manifest["config"] == {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": len(made.raw),
        "digest": made.id,
    }
    assert registry.ask("GET", f"b/blobs/{made.id}").body == made.raw
    packed = []
    for layer in manifest["layers"]:
        answer = registry.ask("GET", f"b/blobs/{layer['digest']}")
        assert digest_of(answer.body) == layer["digest"]
        assert len(answer.body) == layer["size"]
        packed.append(answer.body)
    # let go of and packed again: the same bytes
    registry.images.blobs.trim(0)
    assert registry.images.blobs.all() == []
    for layer, data in zip(manifest["layers"], packed):
        head = registry.ask("HEAD", f"b/blobs/{layer['digest']}")
        assert head.headers["content-length"] == str(len(data))
        assert (
            registry.ask("GET", f"b/blobs/{layer['digest']}", Range="bytes=10-").body == data[10:]
        )
    by_digest = registry.ask("GET", f"b/manifests/{digest_of(shown.body)}")
    assert by_digest.body == shown.body
    assert registry.ask("DELETE", f"b/manifests/{digest_of(shown.body)}").status == 202
    assert registry.ask("GET", "b/tags/list").status == 404


def test_another_daemon_finds_what_was_pushed(registry: ServedRegistry, tmp_path: Path) -> None:
    raw = push(registry, "a", "1")
    upload(registry, "a", EMPTY)
    upload(registry, "a", b"text")
    about = artifact(b"text")
    put(registry, "a", "art", about)
    images = fake_images(tmp_path, registry.images.layers)
    images.blobs.trim(0)
    next_one = ServedRegistry(tmp_path, images=images)
    images.blobs.trim(0)
    try:
        assert next_one.ask("GET", "a/tags/list").json["tags"] == ["1", "art"]
        for ref, data in (("1", raw), ("art", about)):
            assert next_one.ask("GET", f"a/manifests/{ref}").body == data
        for entry in json.loads(raw)["layers"]:
            assert next_one.ask("GET", f"a/blobs/{entry['digest']}").status == 200
    finally:
        next_one.close()


def test_a_damaged_record_loses_nothing(registry: ServedRegistry, tmp_path: Path) -> None:
    raw = push(registry, "a", "1")
    registry.published.path.write_text("{")
    next_one = ServedRegistry(tmp_path, images=fake_images(tmp_path, registry.images.layers))
    try:
        next_one.images.blobs.trim(0)
        assert next_one.images.blobs.size(json.loads(raw)["layers"][0]["digest"]) is not None
        assert put(next_one, "b", "1", raw).status == 500
        assert next_one.published.path.read_text() == "{"
    finally:
        next_one.close()


# --- who may ----------------------------------------------------------------------------------


def test_names_that_are_none(registry: ServedRegistry) -> None:
    for name in ("A", "a//b", "-a", "a/../b", "a:1", "a%2f..%2fb", "%00"):
        assert registry.ask("GET", f"{name}/manifests/1").status in (400, 404), name
        assert registry.ask("POST", f"{name}/blobs/uploads/").status in (400, 404), name
    for digest in ("sha256:x", "md5:" + "0" * 32, "sha256:" + "A" * 64, "sha512:" + "0" * 128):
        assert registry.ask("GET", f"a/blobs/{digest}").code == "DIGEST_INVALID"
    assert registry.ask("POST", "a/manifests/1").status == 405
    assert registry.ask("GET", "nothing").status == 404


def test_read_only(tmp_path: Path) -> None:
    registry = ServedRegistry(tmp_path, read_only=True)
    put_image(registry.images, "a:1")
    try:
        assert registry.ask("GET", "a/manifests/1").status == 200
        for method, path in (
            ("POST", "a/blobs/uploads/"),
            ("PUT", "a/manifests/1"),
            ("DELETE", "a/manifests/1"),
        ):
            answer = registry.ask(method, path)
            assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    finally:
        registry.close()


def test_web_pages_are_no_clients(registry: ServedRegistry) -> None:
    for header in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        answer = registry.ask("POST", "a/blobs/uploads/", b"", **header)
        assert (answer.status, answer.code) == (403, "DENIED")
    assert registry.ask("POST", "a/blobs/uploads/", b"", Host="any.example").status == 202


def test_passwords(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("# who\nme:$2y$05$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e/Q1YNx/hO\n")
    registry = ServedRegistry(tmp_path, guard=from_htpasswd(str(users)))
    try:
        assert registry.ask("GET", "/v2/").headers["www-authenticate"] == 'Basic realm="orlop"'
        right = "Basic bWU6eA=="  # me:x
        assert registry.ask("GET", "/v2/", Authorization=right).status == 200
        assert registry.ask("GET", "/v2/", Authorization=right).status == 200
        for wrong in ("Basic bWU6eQ==", "Basic eW91Ong=", "Basic !", "Bearer x", "Basic bWU="):
            answer = registry.ask("GET", "a/manifests/1", Authorization=wrong)
            assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    finally:
        registry.close()


@pytest.mark.parametrize("line", ["me", "me:plain", "me:$apr1$x$y", ":x", ""])
def test_password_files_that_are_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "users").write_text(line)
    with pytest.raises(InvalidArgument):
        from_htpasswd(str(tmp_path / "users"))
