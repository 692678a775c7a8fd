"""Registries and archives that lie: refused cleanly, nothing stored, nothing left behind."""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.images import document, fake_images, gz, layer_tar
from fakes.registry import Registry, Request, Response, digest

from orlop.errors import InvalidArgument, OrlopError
from orlop.image.images import Images
from orlop.image.inspect import inspect
from orlop.image.load import load
from orlop.image.pull import pull, pull_reference
from orlop.oci.digest import digest_of
from orlop.oci.image import parse_config
from orlop.oci.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST, parse_manifest

LAYER = layer_tar({"x": b"content" * 100})


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    monkeypatch.setattr("orlop.registry.blobs.random.random", lambda: -1.49)
    monkeypatch.setattr("orlop.registry.retry.time.sleep", lambda s: None)
    return fake_images(tmp_path, max_download_attempts=2)


def assert_empty(images: Images) -> None:
    assert images.all() == []
    assert not images.references.all()
    assert not images.layers.layers  # type: ignore[attr-defined]
    assert not images.layers.staged  # type: ignore[attr-defined]


def good_manifest() -> dict[str, Any]:
    described = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2,
                 "digest": digest_of(b"{}")}  # fmt: skip
    layer = {**described, "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}
    return {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": described,
            "layers": [layer]}  # fmt: skip


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


# S46: one digest, two readings


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (dumps({**good_manifest(), "manifests": []}), DOCKER_MANIFEST),
        (dumps(good_manifest()), OCI_MANIFEST),
        (dumps(good_manifest()), "text/html"),
        (dumps(good_manifest()), DOCKER_LIST),
        (dumps({**good_manifest(), "mediaType": DOCKER_LIST}), DOCKER_LIST),
        (dumps({**good_manifest(), "mediaType": "application/x"}), ""),
        (dumps({**good_manifest(), "mediaType": 7}), ""),
        (dumps({**good_manifest(), "Layers": []}), ""),
        (dumps({**good_manifest(), "LAYERS": []}), ""),
        (dumps(good_manifest())[:-1] + b',"layers":[]}', ""),
        (dumps(good_manifest()) + b"{}", ""),
        (b"\xef\xbb\xbf" + dumps(good_manifest()), ""),
        (dumps(good_manifest()).decode().encode("utf-16"), ""),
        (dumps({**good_manifest(), "schemaVersion": 1}), ""),
        (dumps({**good_manifest(), "schemaVersion": True}), ""),
        (dumps({**good_manifest(), "fsLayers": []}), ""),
        (dumps({**good_manifest(), "x": float("nan")}), ""),
    ],
)
def test_ambiguous_manifests(raw: bytes, kind: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_manifest(raw, kind)


def test_ambiguities_bite_lax_readers() -> None:
    """One digest: the first reader sees one layer, the second none."""
    raw = dumps(good_manifest())[:-1] + b',"layers":[]}'
    last: dict[str, Any] = json.loads(raw)
    first = dict(reversed(json.loads(raw, object_pairs_hook=list)))
    assert (len(first["layers"]), last["layers"]) == (1, [])
    both = json.loads(dumps({**good_manifest(), "manifests": []}))
    assert "layers" in both
    assert "manifests" in both


def test_the_good_one() -> None:
    assert parse_manifest(dumps(good_manifest()), DOCKER_MANIFEST)
    assert parse_manifest(dumps(good_manifest()), "")


# S47: ids that would become paths or URLs


@pytest.mark.parametrize(
    "bad",
    ["sha256:../../x", "md5:" + "a" * 32, "sha256:" + "A" * 64, "sha256:" + "a" * 63, "", "x",
     "sha256:" + "a" * 64 + "\n", "sha512:" + "a" * 128, None, 7, ["x"]],
)  # fmt: skip
@pytest.mark.parametrize("where", ["config", "layers"])
def test_bad_digests_in_manifests(bad: Any, where: str) -> None:
    manifest = good_manifest()
    target = manifest["config"] if where == "config" else manifest["layers"][0]
    target["digest"] = bad
    with pytest.raises(InvalidArgument):
        parse_manifest(dumps(manifest))


def test_bad_digests_bite_who_joins_paths(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / "sha256:../../x".partition(":")[2]).write_bytes(b"out")
    assert (tmp_path / "x").read_bytes() == b"out"


@pytest.mark.parametrize(
    ("name", "tag"),
    [("a/b", "x/y"), ("a/b", "../x"), ("a@b", "x"), ("a/b", "sha256:../../x"), ("..", "x"),
     ("a/b", "sha256:" + "A" * 64), ("a/b", "md5:" + "a" * 32), ("a/../b", "x"), ("a\0b", "x"),
     ("a/b?x", "y"), ("a/b", "x#y"), ("a/b", "x" * 129)],
)  # fmt: skip
def test_bad_names_never_leave_the_machine(
    registry: Registry, images: Images, name: str, tag: str
) -> None:
    with pytest.raises(InvalidArgument):
        list(pull(images, pull_reference(f"{registry.host}/{name}", tag)))
    with pytest.raises(OrlopError):
        inspect(images, f"{registry.host}/{name}:{tag}")
    assert not registry.seen


# S48: wrong bytes


def flipped(data: bytes, position: int) -> bytes:
    out = bytearray(data)
    out[position] ^= 1 << (position % 8)
    return bytes(out)


def test_a_flipped_bit_bites_who_does_not_compare() -> None:
    at = LAYER.index(b"content")
    with tarfile.open(fileobj=io.BytesIO(flipped(LAYER, at))) as tar:
        member = tar.extractfile("x")
        assert member
        assert member.read() == flipped(b"content" * 100, 0 if at % 8 == 0 else at % 8)


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_flipped_bits_are_never_stored(registry: Registry, images: Images, what: str) -> None:
    blob = gz(LAYER)
    top = registry.add_image("a/b", "1", [blob], document([LAYER]))
    raw = registry.manifests["a/b", "1"][1]
    config = next(d for (_, k), d in registry.blobs.items() if k != digest(blob))
    target = {"manifest": raw, "config": config, "layer": blob}[what]
    picks = random.Random(7)
    for position in picks.sample(range(len(target)), 30):
        wrong = flipped(target, position)
        if what == "manifest":
            registry.manifests["a/b", top] = (DOCKER_MANIFEST, wrong)
        else:
            registry.blobs["a/b", digest(target)] = wrong
        with pytest.raises(OrlopError):
            list(pull(images, f"{registry.host}/a/b@{top}"))
        assert_empty(images)
    registry.manifests["a/b", top] = (DOCKER_MANIFEST, raw)
    registry.blobs["a/b", digest(config)] = config
    registry.blobs["a/b", digest(blob)] = blob
    list(pull(images, f"{registry.host}/a/b@{top}"))  # the cause is gone: it works
    assert len(images.all()) == 1


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b""])
def test_truncated_and_padded_layers(
    registry: Registry, images: Images, change: Callable[[bytes], bytes]
) -> None:
    blob = gz(LAYER)
    registry.add_image("a/b", "1", [blob], document([LAYER]))
    registry.blobs["a/b", digest(blob)] = change(blob)
    with pytest.raises(OrlopError):
        list(pull(images, f"{registry.host}/a/b:1"))
    assert_empty(images)


def test_layer_of_another_diff_id(registry: Registry, images: Images) -> None:
    registry.add_image("a/b", "1", [gz(layer_tar({"evil": b""}))], document([LAYER]))
    with pytest.raises(OrlopError, match="invalid diffID"):
        list(pull(images, f"{registry.host}/a/b:1"))
    assert_empty(images)


def test_more_layers_than_diff_ids(registry: Registry, images: Images) -> None:
    registry.add_image("a/b", "1", [gz(LAYER), gz(LAYER)], document([LAYER]))
    with pytest.raises(InvalidArgument, match="length mismatch"):
        list(pull(images, f"{registry.host}/a/b:1"))
    assert_empty(images)


def test_foreign_urls_are_never_followed(registry: Registry, images: Images) -> None:
    with Registry() as other:
        config = dumps(document([LAYER]))
        blob = gz(LAYER)
        layer = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                 "size": len(blob), "digest": digest(blob),
                 "urls": [f"http://{other.host}/v2/a/b/blobs/{digest(blob)}"]}  # fmt: skip
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "layers": [layer],
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": registry.add_blob("a/b", config),
            },
        }
        registry.add_manifest("a/b", "1", dumps(manifest))
        other.add_blob("a/b", blob)
        with pytest.raises(OrlopError, match="unknown blob"):
            list(pull(images, f"{registry.host}/a/b:1"))
        assert not other.seen


# S49: what kills parsers


def every_null(value: Any) -> Iterator[Any]:
    """Copies of a document with one node replaced by something it must not be."""
    for wrong in (None, -1, 10**30, "x", [], {}, True, 1.5, [None], {"": None}):
        yield wrong
        if isinstance(value, dict):
            for key in value:
                for changed in every_null_shallow(value[key], wrong):
                    yield {**value, key: changed}


def every_null_shallow(value: Any, wrong: Any) -> Iterator[Any]:
    yield wrong
    if isinstance(value, dict):
        for key in value:
            yield {**value, key: wrong}
    if isinstance(value, list) and value:
        for changed in every_null_shallow(value[0], wrong):
            yield [changed]


def test_wrong_types_in_every_field() -> None:
    config = document([LAYER], config={"Env": ["a=b"], "Labels": {"a": "b"}, "Healthcheck": {}})
    for changed in every_null(good_manifest()):
        try:
            parse_manifest(dumps(changed))
        except InvalidArgument:
            pass
    for changed in every_null(config):
        try:
            parse_config(dumps(changed))
        except InvalidArgument:
            pass


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b'{"schemaVersion":' + b"9" * 1_000_000 + b"}",
        b'{"schemaVersion":1e999}',
        b"\xff\xfe", b'"\\ud800"', b"null", b"", b"{" + b" " * (5 << 20),
        dumps({**good_manifest(), "layers": [good_manifest()["layers"][0]] * 5000}),
        dumps({**good_manifest(), "config": {**good_manifest()["config"], "size": -1}}),
        dumps({**good_manifest(), "config": {**good_manifest()["config"], "size": 2**63}}),
    ],
)  # fmt: skip
def test_bombs_are_clean_errors(raw: bytes) -> None:
    with pytest.raises(InvalidArgument):
        parse_manifest(raw)
    with pytest.raises(InvalidArgument):
        parse_config(raw)


def test_bombs_bite_the_standard_parser() -> None:
    with pytest.raises(RecursionError):
        json.loads(b"[" * 100_000)
    assert json.loads(b'{"schemaVersion":1e999}')["schemaVersion"] == float("inf")
    assert json.loads(b'"\\ud800"') == "\ud800"  # cannot be written anywhere


def test_manifest_without_end_is_cut_at_four_mebibytes(registry: Registry, images: Images) -> None:
    def endless(request: Request) -> Response | None:
        if "/manifests/" not in request.path:
            return None
        return Response(200, b" " * (6 << 20), {"Content-Type": DOCKER_MANIFEST})

    registry.rules.append(endless)
    with pytest.raises(OrlopError, match="larger than 4 MiB"):
        list(pull(images, f"{registry.host}/a/b:1"))


# archives


def archive(members: dict[str, bytes], links: dict[str, str] | None = None) -> io.BytesIO:
    out = io.BytesIO(layer_tar(members))
    with tarfile.open(fileobj=out, mode="a") as tar:
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    out.seek(0)
    return out


def docker_archive(**changes: Any) -> dict[str, bytes]:
    config = dumps(document([LAYER]))
    entry = {"Config": "c.json", "RepoTags": ["ok:1"], "Layers": ["l/layer.tar"], **changes}
    return {"c.json": config, "l/layer.tar": LAYER, "manifest.json": dumps([entry])}


def test_links_inside_an_archive_are_names_only(images: Images, tmp_path: Path) -> None:
    members = docker_archive(Layers=["m/layer.tar"])
    list(load(images, archive(members, {"m/layer.tar": "../l/layer.tar"})))
    assert images.get("ok:1")


@pytest.mark.parametrize(
    ("changes", "links"),
    [
        ({"Layers": ["../../../../etc/passwd"]}, {}),
        ({"Layers": ["/etc/passwd"]}, {}),
        ({"Config": "../../../../etc/passwd"}, {}),
        ({"Layers": ["m/layer.tar"]}, {"m/layer.tar": "/etc/passwd"}),
        ({"Layers": ["m/layer.tar"]}, {"m/layer.tar": "../../../../../etc/passwd"}),
        ({"Layers": ["a"]}, {"a": "b", "b": "a"}),
        ({"Layers": []}, {}),
        ({"Layers": ["l/layer.tar", "l/layer.tar"]}, {}),
        ({"RepoTags": ["../../x"]}, {}),
        ({"RepoTags": ["x@sha256:" + "a" * 64]}, {}),
        ({"RepoTags": [None]}, {}),
        ({"Config": None}, {}),
        ({"Layers": [7]}, {}),
        ({"Parent": "sha256:../x"}, {}),
    ],
)
def test_hostile_docker_archives(
    images: Images, changes: dict[str, Any], links: dict[str, str]
) -> None:
    with pytest.raises(OrlopError):
        list(load(images, archive(docker_archive(**changes), links)))
    assert_empty(images)


def test_a_name_twice_in_an_archive(images: Images) -> None:
    members = [*docker_archive().items(), ("c.json", b"{}")]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    stream.seek(0)
    with pytest.raises(OrlopError, match="twice"):
        list(load(images, stream))
    assert_empty(images)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "latest", "A", ""])
def test_oci_names_that_are_none_are_ignored(images: Images, name: str, tmp_path: Path) -> None:
    config = dumps(document([LAYER]))
    manifest = dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "size": len(config), "digest": digest_of(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": len(LAYER),
                        "digest": digest_of(LAYER)}],
        }
    )  # fmt: skip
    index = dumps(
        {
            "schemaVersion": 2,
            "manifests": [{"mediaType": OCI_MANIFEST, "size": len(manifest),
                           "digest": digest_of(manifest),
                           "annotations": {"org.opencontainers.image.ref.name": name}}],
        }
    )  # fmt: skip
    blobs = {f"blobs/sha256/{digest_of(b)[7:]}": b for b in (config, manifest, LAYER)}
    done = list(load(images, archive({"index.json": index, **blobs})))
    assert done[-1]["stream"].startswith("Loaded image ID: sha256:")
    assert not images.references.all()


@pytest.mark.parametrize("cut", [1, 511, 513, 5000])
def test_archives_that_end_early(images: Images, cut: int) -> None:
    whole = archive(docker_archive()).getvalue()
    with pytest.raises(OrlopError):
        list(load(images, io.BytesIO(whole[:cut])))
    assert_empty(images)


@pytest.mark.parametrize("data", [b"", b"hello world" * 1000, b"\x1f\x8b\x08junk", b"\0" * 4096])
def test_no_archive_at_all(images: Images, data: bytes) -> None:
    with pytest.raises(OrlopError):
        list(load(images, io.BytesIO(data)))
    assert_empty(images)


def test_labels_of_an_image_steer_nothing(registry: Registry, images: Images) -> None:
    labels = {"com.docker.x": "binary:///bin/sh", "containerd.io/restart.loguri": "binary:///x",
              "name": "../../x"}  # fmt: skip
    seen: list[dict[str, str]] = []
    images.events.subscribe(lambda e: seen.append(e.attributes))
    registry.add_image("a/b", "1", [gz(LAYER)], document([LAYER], config={"Labels": labels}))
    list(pull(images, f"{registry.host}/a/b:1"))
    assert seen[-1]["name"] == f"{registry.host}/a/b"  # ours, not the label's
    assert seen[-1]["com.docker.x"] == "binary:///bin/sh"  # the control: they were there, as text
