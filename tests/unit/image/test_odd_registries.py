"""Registries, proxies and images that are odd, not hostile: what dockerd 28.5 takes is taken."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from fakes.images import document, gz, layer_tar, put_image
from fakes.registry import DOCKER_MANIFEST, Registry, Request, Response, digest, error

from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.image.pull import pull
from orlop.image.push import push
from orlop.oci.manifest import OCI_INDEX, OCI_MANIFEST
from orlop.oci.reference import parse_normalized
from orlop.registry import referrers
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session

ONE, TWO = layer_tar({"one": b"1" * 3000}), layer_tar({"two": b"2" * 3000})
AMD64 = {"os": "linux", "architecture": "amd64"}


def pulled(images: Images, registry: Registry, name: str = "x:1", **options: Any) -> list[str]:
    """Diff IDs of the image."""
    list(pull(images, f"{registry.host}/{name}", **options))
    return list(images.get(f"{registry.host}/{name}").diff_ids)


def add(registry: Registry, tag: str, content: list[bytes], **change: Any) -> dict[str, Any]:
    """An image whose manifest is changed a little; how an index describes it."""
    registry.add_image("x", tag, [gz(layer) for layer in content], document(content))
    kind, raw = registry.manifests["x", tag]
    manifest = json.loads(raw) | change
    raw = json.dumps(manifest).encode()
    registry.add_manifest("x", tag, raw, kind)
    return {"mediaType": kind, "digest": digest(raw), "size": len(raw)}


def add_index(registry: Registry, tag: str, *entries: dict[str, Any]) -> dict[str, Any]:
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    raw = json.dumps(index).encode()
    registry.add_manifest("x", tag, raw, OCI_INDEX)
    return {"mediaType": OCI_INDEX, "digest": digest(raw), "size": len(raw)}


# --- indexes


@pytest.mark.parametrize("platform", [{}, {"platform": {}}, {"platform": None}])
def test_an_entry_without_a_platform_is_the_last_choice(
    registry: Registry, images: Images, platform: dict[str, Any]
) -> None:
    """Tools that append to an index name none, and there was no matching manifest."""
    bare = add(registry, "a", [ONE]) | platform
    add_index(registry, "1", bare)
    assert pulled(images, registry) == [digest(ONE)]
    named = add(registry, "b", [TWO]) | {"platform": AMD64}
    add_index(registry, "2", bare, named)
    assert pulled(images, registry, "x:2") == [digest(TWO)]


def test_an_index_of_an_index_without_a_platform(registry: Registry, images: Images) -> None:
    inner = add_index(registry, "in", add(registry, "a", [ONE]) | {"platform": AMD64})
    add_index(registry, "1", inner)
    assert pulled(images, registry) == [digest(ONE)]


def test_attestations_are_no_images(registry: Registry, images: Images) -> None:
    unknown = {"platform": {"os": "unknown", "architecture": "unknown"}}
    add_index(registry, "1", add(registry, "a", [ONE]) | unknown)
    with pytest.raises(OrlopError, match="no matching manifest for linux/amd64"):
        pulled(images, registry)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("arm/v7", "v7"), ("arm/v6", "v6"), ("arm/v5", "v5"), ("arm", "v7"), ("arm/v8", "v7"),
     ("arm64", "v7")],
)  # fmt: skip
def test_variants_of_arm(registry: Registry, images: Images, wanted: str, found: str) -> None:
    entries, own = [], {}
    for variant in ("v6", "v7", "v5"):
        layer = layer_tar({variant: b""})
        own[variant] = digest(layer)
        platform = {"os": "linux", "architecture": "arm", "variant": variant}
        entries.append(add(registry, variant, [layer]) | {"platform": platform})
    add_index(registry, "1", *entries)
    assert pulled(images, registry, platform=f"linux/{wanted}") == [own[found]]


# --- manifests


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json", "text/html", ""])
def test_configs_of_old_tools(registry: Registry, images: Images, kind: str) -> None:
    blob = gz(ONE)
    registry.add_image("x", "1", [blob], document([ONE]), config_type=kind)
    assert pulled(images, registry) == [digest(ONE)]


def test_layers_without_a_media_type(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]), layer_type="")
    assert pulled(images, registry) == [digest(ONE)]


@pytest.mark.parametrize("layers", [[], None])
def test_an_image_of_no_layers(registry: Registry, images: Images, layers: Any) -> None:
    add(registry, "1", [], layers=layers)
    assert pulled(images, registry) == []
    list(push(images, f"{registry.host}/x", tag="1"))
    assert json.loads(registry.manifests["x", "1"][1])["layers"] == []


@pytest.mark.parametrize("layers", ["x", {}, 5])
def test_layers_that_are_no_list(registry: Registry, images: Images, layers: Any) -> None:
    add(registry, "1", [], layers=layers)
    with pytest.raises(OrlopError, match="layers is not a list"):
        pulled(images, registry)


@pytest.mark.parametrize("status", [200, 302, 304])
def test_answers_that_are_neither_refusal_nor_what_was_asked_for(
    registry: Registry, images: Images, status: int
) -> None:
    """The message was "unknown: "."""
    put_image(images, f"{registry.host}/y:1")
    registry.rules.append(lambda r: Response(status) if r.method == "POST" else None)
    with pytest.raises(RegistryFailure, match=f"^received unexpected HTTP status: {status} [A-Z]"):
        list(push(images, f"{registry.host}/y", tag="1"))


# --- Content-Encoding


def encoded(registry: Registry, part: str) -> None:
    """As a proxy that packs whatever passes, asked to or not."""

    def rule(request: Request) -> Response | None:
        if part not in request.path:
            return None
        registry.rules.remove(rule)
        answer = registry.answer(request)
        registry.rules.append(rule)
        if answer.status != 200:
            return answer
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return Response(200, gzip.compress(answer.body), headers)

    registry.rules.append(rule)


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/", "/v2/"])
def test_packed_on_the_way(registry: Registry, images: Images, part: str) -> None:
    registry.add_image("x", "1", [gz(ONE), gz(TWO)], document([ONE, TWO]))
    encoded(registry, part)
    assert pulled(images, registry) == [digest(ONE), digest(TWO)]


def test_a_store_that_calls_a_gzipped_layer_encoded(registry: Registry, images: Images) -> None:
    """It is the blob as it is; its digest says so."""
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    blob = gz(ONE)
    registry.rules.append(
        lambda r: Response(200, blob, {"Content-Encoding": "gzip"})
        if digest(blob) in r.path
        else None
    )
    assert pulled(images, registry) == [digest(ONE)]


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_a_bomb_on_the_way(registry: Registry, images: Images, part: str) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    bomb = gzip.compress(bytes(64 << 20))
    registry.rules.append(
        lambda r: Response(200, bomb, {"Content-Encoding": "gzip", "Content-Type": DOCKER_MANIFEST})
        if part in r.path
        else None
    )
    with pytest.raises(OrlopError, match="larger than|verification failed"):
        pulled(images, registry)
    assert images.all() == []


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [("br", b"x", "unexpected Content-Encoding"), ("gzip", b"junk", "invalid gzip data"),
     ("gzip", gzip.compress(b"{}")[:-9], "unexpected EOF")],
)  # fmt: skip
def test_encodings_that_are_none(
    registry: Registry, images: Images, encoding: str, body: bytes, text: str
) -> None:
    registry.rules.append(
        lambda r: Response(200, body, {"Content-Encoding": encoding})
        if "/manifests/" in r.path
        else None
    )
    with pytest.raises(OrlopError, match=text):
        pulled(images, registry)


# --- pushes


def pushed(images: Images, registry: Registry) -> None:
    """Every blob of the manifest is there, of the size that it says."""
    list(push(images, f"{registry.host}/y", tag="1"))
    manifest = json.loads(registry.manifests["y", "1"][1])
    for blob in (manifest["config"], *manifest["layers"]):
        assert len(registry.blobs["y", blob["digest"]]) == blob["size"]


@pytest.mark.parametrize("length", ["", "0", "many"])
def test_a_registry_that_does_not_say_how_large_a_blob_is(
    registry: Registry, images: Images, length: str
) -> None:
    """The manifest said 0 bytes, and nobody could pull the image."""
    put_image(images, f"{registry.host}/x:1", f"{registry.host}/y:1", layers=[ONE])
    list(push(images, f"{registry.host}/x", tag="1"))

    def rule(request: Request) -> Response | None:
        found = re.fullmatch(r"/v2/y/blobs/(sha256:.*)", request.path)
        if request.method != "HEAD" or found is None:
            return None
        there = ("y", found[1]) in registry.blobs
        return Response(200, b"", {"Content-Length": length}) if there else Response(404)

    registry.rules.append(rule)
    pushed(images, registry)


def test_a_mount_that_did_not_happen(registry: Registry, images: Images) -> None:
    """201, and the blob is not there."""
    put_image(images, f"{registry.host}/x:1", f"{registry.host}/y:1", layers=[ONE])
    list(push(images, f"{registry.host}/x", tag="1"))
    lies: list[Request] = []

    def rule(request: Request) -> Response | None:
        if "mount" not in request.query:
            return None
        lies.append(request)
        return Response(201, b"", {"Location": "/v2/y/blobs/somewhere"})

    registry.rules.append(rule)
    pushed(images, registry)
    assert lies


@pytest.mark.parametrize(
    "form", ["{key}", "./{key}?a=b", "?upload={key}", "/v2/y/blobs/uploads/{key}#part",
             "HTTP://{host}/v2/y/blobs/uploads/{key}", "/v2/y/blobs/uploads/{key}?digest=x"]
)  # fmt: skip
def test_locations_of_all_kinds(registry: Registry, images: Images, form: str) -> None:
    put_image(images, f"{registry.host}/y:1", layers=[ONE])

    def rule(request: Request) -> Response | None:
        if "uploads" not in request.path:
            return None
        if request.method == "POST":
            answer = registry._start_upload(request, "y")
            key = answer.headers["Location"].rpartition("/")[2].partition("?")[0]
        else:
            key = request.query.get("upload", [request.path.rpartition("/")[2]])[0]
            request.query["digest"] = request.query.get("digest", [])[-1:]
            answer = registry._upload(request, "y", key)
        if answer.status == 202:
            answer.headers["Location"] = form.format(key=key, host=registry.host)
        return answer

    registry.rules.append(rule)
    pushed(images, registry)


# --- tokens, lists


def test_a_token_server_that_moved_within_itself(registry: Registry, images: Images) -> None:
    registry.add_image("x", "1", [gz(ONE)], document([ONE]))
    hops: list[str] = []

    def wall(request: Request) -> Response | None:
        if request.path.startswith("/token"):
            hops.append(request.path)
            if request.path != "/token/2":
                return Response(307, b"", {"Location": f"/token/{len(hops)}?service=s"})
            return Response(200, b'{"token":"good"}')
        if request.authorization == "Bearer good":
            return None
        shown = f'Bearer realm="http://{registry.host}/token/0",service="s"'
        return error(401, "UNAUTHORIZED", "no", {"WWW-Authenticate": shown})

    registry.rules.append(wall)
    assert pulled(images, registry) == [digest(ONE)]
    assert hops == ["/token/0", "/token/1", "/token/2"]


def test_a_token_server_that_moves_forever(registry: Registry, images: Images) -> None:
    def wall(request: Request) -> Response | None:
        if request.path == "/token":
            return Response(302, b"", {"Location": "/token"})
        shown = f'Bearer realm="http://{registry.host}/token",service="s"'
        return error(401, "UNAUTHORIZED", "no", {"WWW-Authenticate": shown})

    registry.rules.append(wall)
    with pytest.raises(OrlopError, match="token"):
        pulled(images, registry)
    asked = [r for r in registry.seen if r.path == "/token"]
    assert 1 < len(asked) < 50


def session(images: Images, registry: Registry) -> Session:
    return next(iter(images.registries.sessions(registry.host, None)))


def pages(registry: Registry, link: str) -> list[str]:
    """Two pages of referrers; their digests."""
    found = ["sha256:" + c * 64 for c in "ab"]

    def rule(request: Request) -> Response | None:
        if "/referrers/" not in request.path:
            return None
        last = "page" in request.query
        entry = {"mediaType": OCI_MANIFEST, "digest": found[last], "size": 5}
        raw = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
        headers = {"Content-Type": OCI_INDEX} | ({} if last else {"Link": link})
        return Response(200, raw, headers)

    registry.rules.append(rule)
    return found


def test_referrers_come_in_pages(registry: Registry, images: Images) -> None:
    """Those behind the first page were not there."""
    found = pages(registry, '<?page=2>; rel="next"')
    reference = parse_normalized(f"{registry.host}/x")
    subject = digest(b"x")
    rows = referrers.list_referrers(session(images, registry), reference, subject)  # type: ignore[arg-type]
    assert [row.digest for row in rows] == found


@pytest.mark.parametrize("link", ["<?n=1>", '<http://127.0.0.2:1/v2/x>; rel="next"'])
def test_referrers_whose_pages_lead_astray(registry: Registry, images: Images, link: str) -> None:
    subject = digest(b"x")
    path = f"/v2/x/referrers/{subject}"
    pages(registry, link if "rel" in link else f'<{path}>; rel="next"')
    reference = parse_normalized(f"{registry.host}/x")
    with pytest.raises(RegistryFailure, match="next page"):
        referrers.list_referrers(session(images, registry), reference, subject)  # type: ignore[arg-type]
