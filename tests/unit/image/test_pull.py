"""pull against a scripted registry and a layer store in memory."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from fakes.images import document, fake_images, gz, layer_tar
from fakes.registry import Registry, Request, Response, digest, error

from orlop.errors import Forbidden, NotFound, OrlopError, Unauthorized
from orlop.image.images import Images
from orlop.image.pull import pull, pull_reference
from orlop.oci.manifest import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from orlop.registry.failure import RegistryFailure

ONE, TWO = layer_tar({"one": b"1" * 3000}), layer_tar({"two": b"2" * 3000})


def run(images: Images, ref: str, **options: Any) -> list[str]:
    """The lines a client without a terminal prints."""
    lines = []
    for message in pull(images, ref, **options):
        if "progress" not in message:
            prefix = f"{message['id']}: " if message.get("id") else ""
            lines.append(prefix + message["status"])
    return lines


def short(blob: bytes) -> str:
    return digest(blob)[7:19]


def test_transcript(registry: Registry, images: Images) -> None:
    a, b = gz(ONE), gz(TWO)
    top = registry.add_image("lib/x", "1", [a, b], document([ONE, TWO]))
    lines = run(images, f"{registry.host}/lib/x:1")
    assert lines[0] == "1: Pulling from lib/x"
    assert lines[1:3] == [f"{short(a)}: Pulling fs layer", f"{short(b)}: Pulling fs layer"]
    assert sorted(lines[3:7]) == sorted(
        f"{short(x)}: {text}"
        for x in (a, b)
        for text in ("Verifying Checksum", "Download complete")
    )
    assert lines[7:] == [
        f"{short(a)}: Pull complete",
        f"{short(b)}: Pull complete",
        f"Digest: {top}",
        f"Status: Downloaded newer image for {registry.host}/lib/x:1",
    ]
    image = images.get(f"{registry.host}/lib/x:1")
    assert image.diff_ids == tuple(document([ONE, TWO])["rootfs"]["diff_ids"])
    names = [name.suffix for name in images.references.of(image.id)]
    assert names == [":1", f"@{top}"]
    assert images.distribution.diff_id(digest(a)) == image.diff_ids[0]  # type: ignore[arg-type]
    assert [s.repository for s in images.distribution.sources(image.diff_ids[0])] == [
        f"{registry.host}/lib/x"
    ]
    assert list(images.scratch.iterdir()) == []
    assert images.layers.syncs == 1  # type: ignore[attr-defined]


def test_again_is_one_head(registry: Registry, images: Images) -> None:
    top = registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    run(images, f"{registry.host}/x:1")
    registry.seen.clear()
    assert run(images, f"{registry.host}/x:1") == [
        "1: Pulling from x",
        f"Digest: {top}",
        f"Status: Image is up to date for {registry.host}/x:1",
    ]
    assert [r.method for r in registry.seen if "/manifests/" in r.path] == ["HEAD"]


def test_layers_we_have(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    registry.add_image("x", "2", [gz(ONE), gz(TWO)], document([ONE, TWO]))
    run(images, f"{registry.host}/x:1")
    registry.sent = 0
    lines = run(images, f"{registry.host}/x:2")
    assert lines[1:3] == [f"{short(gz(ONE))}: Already exists",
                          f"{short(gz(TWO))}: Pulling fs layer"]  # fmt: skip
    assert registry.sent < len(gz(TWO)) + 1000


def test_same_layer_twice(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE), gz(TWO), gz(ONE)], document([ONE, TWO, ONE]))
    run(images, f"{registry.host}/x:1")
    assert len(images.get(f"{registry.host}/x:1").chains) == 3


def test_more_layers_than_downloads_wait(registry: Registry, tmp_path: Path) -> None:
    images = fake_images(tmp_path, max_concurrent_downloads=1)
    layers = [layer_tar({f"f{n}": b"x" * 2000}) for n in range(3)]
    registry.add_image("x", "1", [gz(x) for x in layers], document(layers))
    lines = run(images, f"{registry.host}/x:1")
    assert [line for line in lines if "Waiting" in line] == [
        f"{short(gz(x))}: Waiting" for x in layers[1:]
    ]


@pytest.mark.parametrize("kind", ["plain", "zstd"])
def test_oci_media_types(registry: Registry, images: Images, kind: str) -> None:
    base = "application/vnd.oci.image.layer.v1.tar"
    blob = ONE if kind == "plain" else zstandard.compress(ONE)
    registry.add_image(
        "x", "1", [blob], document([ONE]),
        layer_type=base if kind == "plain" else base + "+zstd",
        kind=OCI_MANIFEST, config_type="application/vnd.oci.image.config.v1+json",
    )  # fmt: skip
    run(images, f"{registry.host}/x:1")
    assert images.get(f"{registry.host}/x:1").diff_ids[0] == digest(ONE)


def add_list(registry: Registry, kind: str, *platforms: dict[str, str]) -> str:
    entries = []
    for number, platform in enumerate(platforms):
        layer = layer_tar({"p": str(number).encode()})
        config = document([layer], **platform)
        named = registry.add_image("x", f"p{number}", [gz(layer)], config)
        media, raw = registry.manifests["x", named]
        entries.append({"mediaType": media, "digest": named, "size": len(raw),
                        "platform": platform})  # fmt: skip
    body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
    return registry.add_manifest("x", "1", body, kind)


@pytest.mark.parametrize("kind", [DOCKER_LIST, OCI_INDEX])
def test_lists_are_resolved_for_the_platform(registry: Registry, images: Images, kind: str) -> None:
    top = add_list(
        registry, kind,
        {"os": "linux", "architecture": "s390x"}, {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64", "variant": "v8"},
    )  # fmt: skip
    lines = run(images, f"{registry.host}/x:1", platform="linux/amd64")
    assert lines[-2] == f"Digest: {top}"
    assert images.get(f"{registry.host}/x:1").config["architecture"] == "amd64"
    run(images, f"{registry.host}/x:1", platform="linux/arm64")
    assert images.get(f"{registry.host}/x:1").config["architecture"] == "arm64"
    with pytest.raises(NotFound) as caught:
        run(images, f"{registry.host}/x:1", platform="linux/riscv64")
    assert caught.value.message == (
        "no matching manifest for linux/riscv64 in the manifest list entries"
    )


def test_list_without_the_platforms_answer(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    lines = run(images, f"{registry.host}/x:1", platform="linux/arm64")
    assert lines[-1] == (
        f"WARNING: image with reference {registry.host}/x:1 was found but its platform "
        "(linux/amd64) does not match the specified platform (linux/arm64/v8)"
    ) or lines[-1].endswith("(linux/arm64)")


def test_by_digest(registry: Registry, images: Images) -> None:
    top = registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    lines = run(images, f"{registry.host}/x@{top}")
    assert lines[0] == f"{registry.host}/x@{top}: Pulling from x"
    assert lines[-1] == f"Status: Downloaded newer image for {registry.host}/x@{top}"
    image = images.get(f"{registry.host}/x@{top}")
    assert [n.tag for n in images.references.of(image.id)] == [""]
    assert run(images, f"{registry.host}/x@{top}")[-1] == (
        f"Status: Image is up to date for {registry.host}/x@{top}"
    )


def test_all_tags(registry: Registry, images: Images) -> None:
    registry.add_image("x", "a", [gz(ONE)], document([ONE]))
    registry.add_image("x", "b", [gz(TWO)], document([TWO]))
    lines = run(images, f"{registry.host}/x", all_tags=True)
    assert [line for line in lines if "Pulling from" in line] == [
        "a: Pulling from x",
        "b: Pulling from x",
    ]
    assert lines[-1] == f"Status: Downloaded newer image for {registry.host}/x"
    assert images.get(f"{registry.host}/x:a")
    assert images.get(f"{registry.host}/x:b")


def wall(response: Response) -> Any:
    return lambda r: response if "/manifests/" in r.path else None


@pytest.mark.parametrize(
    ("response", "kind", "text"),
    [
        (error(403, "DENIED", "requested access to the resource is denied"), Forbidden, "denied"),
        (error(404, "NAME_UNKNOWN", "repository name not known to registry"), NotFound,
         "name unknown"),
        (error(404, "NAME_UNKNOWN", "no"), NotFound,
         "repository HOST/x not found: name unknown: no"),
        (error(404, "MANIFEST_UNKNOWN", "no"), NotFound,
         "manifest for HOST/x:1 not found: manifest unknown: no"),
        (error(403, "DENIED", "no"), NotFound,
         "pull access denied for HOST/x, repository does not exist or may require 'docker login': "
         "denied: no"),
        (error(401, "UNAUTHORIZED", "no"), Unauthorized, "unauthorized: no"),
        (error(429, "TOOMANYREQUESTS", "slow"), RegistryFailure, "toomanyrequests: slow"),
        (Response(500), RegistryFailure,
         "received unexpected HTTP status: 500 Internal Server Error"),
        (Response(403, b"<html>no</html>"), NotFound,
         "pull access denied for HOST/x, repository does not exist or may require 'docker login': "
         "denied: <html>no</html>"),
        (Response(drop=True), RegistryFailure, 'Head "http://HOST/v2/x/manifests/1": EOF'),
    ],
)  # fmt: skip
def test_refusals(
    registry: Registry, images: Images, response: Response, kind: type[OrlopError], text: str
) -> None:
    registry.rules.append(wall(response))
    with pytest.raises(kind) as caught:
        run(images, f"{registry.host}/x:1")
    assert caught.value.message.replace(registry.host, "HOST") == text
    registry.rules.clear()
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    assert run(images, f"{registry.host}/x:1")  # the cause is gone: it works


def test_a_failed_pull_leaves_bytes_for_the_next(registry: Registry, images: Images) -> None:
    import os

    layer = layer_tar({"big": os.urandom(400_000)})
    blob = gz(layer)
    registry.add_image("x", "1", [blob], document([layer]))
    cuts = [100_000]

    def cut(request: Request) -> Response | None:
        if digest(blob) not in request.path:
            return None
        if cuts:
            answer = registry._blob(request, "x", digest(blob))
            answer.cut = cuts.pop()
            return answer
        return Response(404)

    registry.rules.append(cut)
    with pytest.raises(OrlopError):
        run(images, f"{registry.host}/x:1")
    assert images.all() == []
    registry.rules.clear()
    registry.sent = 0
    run(images, f"{registry.host}/x:1")
    assert registry.sent < len(blob) - 90_000
    assert list(images.scratch.iterdir()) == []


def test_what_a_pull_killed_at_its_end_left_goes_at_the_next_start(
    registry: Registry, images: Images, tmp_path: Path
) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    run(images, f"{registry.host}/x:1")
    done = images.scratch / digest(gz(ONE))[7:]
    half = images.scratch / digest(gz(TWO))[7:]
    done.write_bytes(gz(ONE))
    half.write_bytes(gz(TWO)[:10])
    again = fake_images(images.config.data_root, images.layers)
    assert list(again.scratch.iterdir()) == [half]


def test_closing_the_stream_cancels(registry: Registry, images: Images) -> None:
    hold = threading.Event()
    blob = gz(ONE)
    registry.add_image("x", "1", [blob], document([ONE]))
    registry.rules.append(
        lambda r: Response(200, blob, cut=10, stall=hold) if digest(blob) in r.path else None
    )
    stream = pull(images, f"{registry.host}/x:1")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    hold.set()
    for thread in threading.enumerate():
        if thread.name == "pull":
            thread.join(5)
    assert images.all() == []
    assert not images.layers.staged  # type: ignore[attr-defined]


def test_two_pulls_of_one_image_at_once(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE), gz(TWO)], document([ONE, TWO]))
    results: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: results.append(run(images, f"{registry.host}/x:1")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 4
    assert len(images.all()) == 1
    assert not images.layers.staged  # type: ignore[attr-defined]


def test_mirror_without_the_image_falls_back(registry: Registry, tmp_path: Path) -> None:
    """The origin cannot be reached here: its failure is the one that is told."""
    images = fake_images(tmp_path, registry_mirrors=(f"http://{registry.host}",))
    registry.add_image("library/x", "1", [gz(ONE)], document([ONE]))
    assert run(images, "x:1")[-1] == "Status: Downloaded newer image for x:1"
    assert images.references.get(pull_reference("x", "1"))


def test_references_of_the_api() -> None:
    assert str(pull_reference("busybox", "")) == "docker.io/library/busybox"
    assert str(pull_reference("busybox", "1")) == "docker.io/library/busybox:1"
    assert pull_reference("busybox:x", "sha256:" + "a" * 64).suffix == "@sha256:" + "a" * 64
