"""`/v2/<name>/manifests/<reference>` and `/v2/<name>/referrers/<digest>`."""

from __future__ import annotations

from orlop.api import decode, encode
from orlop.api.answer import Answer, Stream
from orlop.api.registry.problem import Problem
from orlop.api.registry.request import Request
from orlop.errors import InvalidArgument, NotFound
from orlop.image.publish import publish, withdraw
from orlop.image.published import Found, parsed
from orlop.oci.manifest import MAX_MANIFEST, OCI_INDEX


def get(request: Request) -> Stream:
    try:
        found = request.published.find(request.reference)
    except NotFound as error:
        raise Problem("MANIFEST_UNKNOWN", error.message) from None
    return shown(found)


def shown(found: Found) -> Stream:
    headers = (
        ("Docker-Content-Digest", found.digest),
        ("Content-Length", str(len(found.raw))),
        ("Etag", f'"{found.digest}"'),
    )
    return Stream(iter((found.raw,)), found.media_type, headers=headers)


def put(request: Request) -> Answer:
    raw = request.exchange.body.collect(MAX_MANIFEST, decode.BODY_TIME)
    if raw is None:
        raise Problem("SIZE_INVALID", "a manifest has 4 MiB at most")
    try:
        made = publish(request.published, request.reference, raw, request.header("content-type"))
    except NotFound as error:
        raise Problem("MANIFEST_BLOB_UNKNOWN", error.message) from None
    except InvalidArgument as error:
        raise Problem("MANIFEST_INVALID", error.message) from None
    headers = [
        ("Location", f"/v2/{request.name}/manifests/{made}"),
        ("Docker-Content-Digest", made),
    ]
    subject = parsed(raw).subject
    if subject is not None:
        headers.append(("OCI-Subject", subject.digest))
    return Answer(201, b"", "", tuple(headers))


def delete(request: Request) -> Answer:
    try:
        withdraw(request.published, request.reference)
    except NotFound as error:
        raise Problem("MANIFEST_UNKNOWN", error.message) from None
    return Answer(202, b"", "")


def referrers(request: Request) -> Answer:
    """Never 404: nothing refers to what nobody knows."""
    kind = request.text("artifactType")
    reference = request.repository.with_digest(request.digest)
    rows = list(request.published.referrers(reference, kind))
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}
    applied = (("OCI-Filters-Applied", "artifactType"),) if kind else ()
    return Answer(200, encode.dumps(document), OCI_INDEX, applied)
