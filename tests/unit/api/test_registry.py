"""The distribution API of the built-in registry, section by section of the specification.

Source: OCI distribution-spec 1.1: pull, push, content discovery, content management.
"""

from __future__ import annotations

import gzip
import json
import os

import pytest
import zstandard
from fakes.images import document, gz, layer_tar
from fakes.served_registry import (
    EMPTY,
    NOWHERE,
    ServedRegistry,
    artifact,
    descriptor,
    image,
    push,
    put,
    upload,
)

from orlop.oci.digest import digest_of
from orlop.oci.manifest import OCI_INDEX, OCI_MANIFEST

LAYER = layer_tar({"a": b"hello"})


# --- pull -------------------------------------------------------------------------------------


def test_end_1_says_what_it_is(registry: ServedRegistry) -> None:
    for path in ("/v2/", "/v2"):
        answer = registry.ask("GET", path)
        assert answer.status == 200
        assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


def test_blobs_by_digest(registry: ServedRegistry) -> None:
    data = os.urandom(700_000)
    wanted = upload(registry, "a/b", data)
    head = registry.ask("HEAD", f"a/b/blobs/{wanted}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(data))
    whole = registry.ask("GET", f"a/b/blobs/{wanted}")
    assert (whole.status, whole.body) == (200, data)
    assert whole.headers["docker-content-digest"] == wanted
    for method in ("GET", "HEAD"):
        assert registry.ask(method, f"a/b/blobs/{NOWHERE}").status == 404
    assert registry.ask("GET", f"a/b/blobs/{NOWHERE}").code == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("wish", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=500-", 206, 500, 1000),
        ("bytes=-100", 206, 900, 1000),
        ("bytes=900-5000", 206, 900, 1000),
        ("bytes=-5000", 206, 0, 1000),
        ("bytes=1000-", 416, 0, 0),
        ("bytes=5-4", 416, 0, 0),
        ("bytes=0-1,4-5", 200, 0, 1000),
        ("lines=1-2", 200, 0, 1000),
    ],
)
def test_ranges_of_blobs(
    registry: ServedRegistry, wish: str, status: int, start: int, end: int
) -> None:
    data = os.urandom(1000)
    wanted = upload(registry, "a", data)
    answer = registry.ask("GET", f"a/blobs/{wanted}", Range=wish)
    assert answer.status == status
    if status == 206:
        assert answer.body == data[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1000"
    elif status == 200:
        assert answer.body == data
    else:
        assert answer.headers["content-range"] == "bytes */1000"


def test_manifests_by_tag_and_digest(registry: ServedRegistry) -> None:
    raw = push(registry, "a/b", "v1")
    for ref in ("v1", digest_of(raw)):
        answer = registry.ask("GET", f"a/b/manifests/{ref}")
        assert (answer.status, answer.body) == (200, raw)
        assert answer.headers["content-type"] == OCI_MANIFEST
        assert answer.headers["docker-content-digest"] == digest_of(raw)
        head = registry.ask("HEAD", f"a/b/manifests/{ref}")
        assert (head.status, head.headers["content-length"]) == (200, str(len(raw)))
    for ref in ("v2", NOWHERE):
        missing = registry.ask("GET", f"a/b/manifests/{ref}")
        assert (missing.status, missing.code) == (404, "MANIFEST_UNKNOWN")


# --- push -------------------------------------------------------------------------------------


def test_monolithic_in_one_request(registry: ServedRegistry) -> None:
    data = os.urandom(3000)
    wanted = digest_of(data)
    done = registry.ask("POST", f"a/blobs/uploads/?digest={wanted}", data)
    assert done.status == 201
    assert registry.ask("GET", done.headers["location"]).body == data


def test_chunks_in_order(registry: ServedRegistry) -> None:
    data = os.urandom(3000)
    where = registry.ask("POST", "a/blobs/uploads/").headers["location"]
    for start in (0, 1000):
        answer = registry.ask(
            "PATCH", where, data[start : start + 1000], Content_Range=f"{start}-{start + 999}"
        )
        assert answer.status == 202
        assert answer.headers["range"] == f"0-{start + 999}"
        where = answer.headers["location"]
    again = registry.ask("PATCH", where, data[:1000], Content_Range="0-999")
    assert again.status == 416
    ahead = registry.ask("PATCH", where, data[:10], Content_Range="2500-2509")
    assert (ahead.status, ahead.headers["range"]) == (416, "0-1999")
    shown = registry.ask("GET", where)
    assert (shown.status, shown.headers["range"]) == (204, "0-1999")
    done = registry.ask(
        "PUT", f"{where}?digest={digest_of(data)}", data[2000:], Content_Range="2000-2999"
    )
    assert done.status == 201
    assert registry.ask("GET", f"a/blobs/{digest_of(data)}").body == data
    assert registry.ask("GET", where).code == "BLOB_UPLOAD_UNKNOWN"


def test_a_stream_of_unknown_length(registry: ServedRegistry) -> None:
    where = registry.ask("POST", "a/blobs/uploads/").headers["location"]
    pieces = iter([b"one", b"two"])
    answer = registry.ask("PATCH", where, pieces)  # type: ignore[arg-type]
    assert answer.headers["range"] == "0-5"
    done = registry.ask("PUT", f"{where}?digest={digest_of(b'onetwo')}")
    assert done.status == 201


def test_uploads_that_end_badly_leave_nothing(registry: ServedRegistry) -> None:
    where = registry.ask("POST", "a/blobs/uploads/").headers["location"]
    wrong = registry.ask("PUT", f"{where}?digest={NOWHERE}", b"data")
    assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")
    where = registry.ask("POST", "a/blobs/uploads/").headers["location"]
    assert registry.ask("DELETE", where).status == 204
    assert registry.ask("PATCH", where, b"x").status == 404
    assert registry.ask("PUT", where, b"x").code == "DIGEST_INVALID"  # no digest at all
    other = registry.ask("POST", "b/blobs/uploads/").headers["location"]
    assert registry.ask("PATCH", other.replace("/v2/b/", "/v2/a/"), b"x").status == 404
    registry.application.sessions.close()
    assert list((registry.images.blobs.root / "incoming").iterdir()) == []


def test_mounting_from_a_sibling(registry: ServedRegistry) -> None:
    wanted = upload(registry, "a", b"shared")
    answer = registry.ask("POST", f"b/blobs/uploads/?mount={wanted}&from=a")
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/b/blobs/{wanted}")
    unknown = registry.ask("POST", f"b/blobs/uploads/?mount={NOWHERE}&from=a")
    assert unknown.status == 202
    assert "uploads" in unknown.headers["location"]


def test_a_pushed_image_is_an_image_of_this_host(registry: ServedRegistry) -> None:
    raw = push(registry, "team/app", "1", bin=b"program")
    found = registry.images.get("team/app:1")
    assert registry.images.layers.has(found.chains[0])
    assert registry.images.get(f"team/app@{digest_of(raw)}").id == found.id


def test_layers_packed_by_others(registry: ServedRegistry) -> None:
    """zstd, and gzip of another level: kept as they came."""
    layers = [layer_tar({"a": os.urandom(3000)}), layer_tar({"b": bytes(9000)})]
    blobs = [zstandard.compress(layers[0]), gzip.compress(layers[1], 9)]
    config = json.dumps(document(layers)).encode()
    for data in (config, *blobs):
        upload(registry, "a", data)
    manifest = json.loads(image(config, *blobs))
    manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd"
    raw = json.dumps(manifest).encode()
    assert put(registry, "a", "1", raw).status == 201
    assert registry.images.get("a:1").diff_ids == tuple(digest_of(data) for data in layers)
    assert registry.ask("GET", "a/manifests/1").body == raw
    assert [registry.ask("GET", f"a/blobs/{digest_of(b)}").body for b in blobs] == blobs


def test_what_a_manifest_names_must_be_there(registry: ServedRegistry) -> None:
    config = json.dumps(document([LAYER])).encode()
    upload(registry, "a", config)
    answer = put(registry, "a", "1", image(config, gz(LAYER)))
    assert (answer.status, answer.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    upload(registry, "a", gz(LAYER))
    lying = json.loads(image(config, gz(LAYER)))
    lying["layers"][0]["size"] += 1
    answer = put(registry, "a", "1", json.dumps(lying).encode())
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert put(registry, "a", NOWHERE, image(config, gz(LAYER))).code == "MANIFEST_INVALID"
    assert put(registry, "a", "1", image(config, gz(LAYER)), "text/html").status == 400
    assert registry.images.all() == []
    assert registry.published.names() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"schemaVersion":2,"schemaVersion":2}',
        b'{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}',
        b'{"schemaVersion":1}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_manifests_that_are_none(registry: ServedRegistry, raw: bytes) -> None:
    answer = put(registry, "a", "1", raw)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


def test_a_manifest_without_end(registry: ServedRegistry) -> None:
    answer = put(registry, "a", "1", b" " * (4 << 20) + b"{}")
    assert (answer.status, answer.code) == (413, "SIZE_INVALID")


def test_an_image_that_cannot_run_is_kept_all_the_same(registry: ServedRegistry) -> None:
    """A registry keeps what it is given; this host only does not make an image of it."""
    config = json.dumps(document([LAYER])).encode()
    upload(registry, "a", config)
    upload(registry, "a", b"no archive at all")
    raw = image(config, b"no archive at all")
    assert put(registry, "a", "1", raw).status == 201
    assert registry.ask("GET", "a/manifests/1").body == raw
    assert registry.images.all() == []


def test_lists_of_platforms(registry: ServedRegistry) -> None:
    host, other = push(registry, "a", "tmp", x=b"1"), push(registry, "a", "tmp2", x=b"2")
    rows = [
        descriptor(host, OCI_MANIFEST, platform={"os": "linux", "architecture": "amd64"}),
        descriptor(other, OCI_MANIFEST, platform={"os": "linux", "architecture": "riscv64"}),
    ]
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}).encode()
    assert put(registry, "a", "list", raw, OCI_INDEX).status == 201
    assert registry.ask("GET", "a/manifests/list").headers["content-type"] == OCI_INDEX
    assert registry.images.get("a:list").id == registry.images.get("a:tmp").id
    rows[0]["digest"] = NOWHERE
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}).encode()
    assert put(registry, "a", "list2", raw, OCI_INDEX).code == "MANIFEST_BLOB_UNKNOWN"


# --- content discovery ------------------------------------------------------------------------


def test_tags_in_pages(registry: ServedRegistry) -> None:
    for tag in ("b", "a", "C", "d"):
        push(registry, "x/y", tag)
    assert registry.ask("GET", "x/y/tags/list").json == {"name": "x/y", "tags": list("Cabd")}
    first = registry.ask("GET", "x/y/tags/list?n=3")
    assert first.json["tags"] == list("Cab")
    link = first.headers["link"]
    assert link == '</v2/x/y/tags/list?last=b&n=3>; rel="next"'
    second = registry.ask("GET", link.partition(">")[0][1:])
    assert second.json["tags"] == ["d"]
    assert "link" not in second.headers
    assert registry.ask("GET", "x/y/tags/list?n=0").json["tags"] == []
    assert registry.ask("GET", "x/y/tags/list?n=x").status == 400
    missing = registry.ask("GET", "x/z/tags/list")
    assert (missing.status, missing.code) == (404, "NAME_UNKNOWN")
    assert registry.ask("GET", "/v2/_catalog").json == {"repositories": ["x/y"]}


def test_referrers(registry: ServedRegistry) -> None:
    raw = push(registry, "a", "1")
    subject = descriptor(raw, OCI_MANIFEST)
    upload(registry, "a", EMPTY)
    made = []
    for kind in ("test/sbom", "test/signature"):
        upload(registry, "a", kind.encode())
        about = artifact(kind.encode(), kind, subject=subject, annotations={"k": kind})
        answer = put(registry, "a", digest_of(about), about)
        assert (answer.status, answer.headers["oci-subject"]) == (201, digest_of(raw))
        made.append(about)
    every = registry.ask("GET", f"a/referrers/{digest_of(raw)}")
    assert every.headers["content-type"] == OCI_INDEX
    assert {r["digest"] for r in every.json["manifests"]} == {digest_of(m) for m in made}
    one = registry.ask("GET", f"a/referrers/{digest_of(raw)}?artifactType=test/sbom")
    assert one.headers["oci-filters-applied"] == "artifactType"
    (row,) = one.json["manifests"]
    assert row["artifactType"] == "test/sbom"
    assert row["annotations"] == {"k": "test/sbom"}
    assert row["size"] == len(made[0])
    assert registry.ask("GET", f"a/referrers/{NOWHERE}").json["manifests"] == []
    assert registry.ask("GET", "a/referrers/x").status == 400
    # a referrer may come before what it is about
    early = artifact(b"test/sbom", "test/early", subject=descriptor(b"?", OCI_MANIFEST))
    assert put(registry, "a", digest_of(early), early).status == 201


# --- content management -----------------------------------------------------------------------


def test_deleting_tags_manifests_and_blobs(registry: ServedRegistry) -> None:
    raw = push(registry, "a", "1")
    put(registry, "a", "2", raw)
    layer = json.loads(raw)["layers"][0]["digest"]
    assert registry.ask("DELETE", f"a/blobs/{layer}").status == 405  # a manifest names it
    assert registry.ask("DELETE", "a/manifests/1").status == 202
    assert registry.ask("GET", "a/manifests/1").status == 404
    assert registry.ask("GET", "a/tags/list").json["tags"] == ["2"]
    assert registry.ask("DELETE", f"a/manifests/{digest_of(raw)}").status == 202
    assert registry.ask("GET", f"a/manifests/{digest_of(raw)}").status == 404
    assert registry.ask("GET", "a/tags/list").status == 404
    assert registry.images.all() == []
    assert registry.ask("DELETE", f"a/blobs/{layer}").status == 202
    assert registry.ask("GET", f"a/blobs/{layer}").status == 404
    for path in (f"a/manifests/{digest_of(raw)}", "a/manifests/1", f"a/blobs/{layer}"):
        assert registry.ask("DELETE", path).status == 404
