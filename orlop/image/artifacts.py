"""Artifacts in registries: what refers to an image, attach a file to it, fetch it back.

Source: OCI image-spec 1.1 "Guidelines for Artifact Usage" (an empty config, `artifactType`,
`subject`).
"""

from __future__ import annotations

import json
import os
import posixpath
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from orlop.errors import InvalidArgument, NotFound
from orlop.image.images import Images
from orlop.image.tags import on_some_endpoint
from orlop.image.times import now
from orlop.oci.digest import Digest, digest_of, parse_digest
from orlop.oci.manifest import OCI_MANIFEST, Descriptor, Manifest
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import Download
from orlop.registry.manifests import get_manifest
from orlop.registry.referrers import described, list_referrers, put_referrer
from orlop.registry.session import Session
from orlop.registry.upload import blob_size, send_bytes, send_file

EMPTY = b"{}"
_EMPTY_KIND = "application/vnd.oci.empty.v1+json"
_TITLE = "org.opencontainers.image.title"
_PIECE = 256 << 10

Json = dict[str, Any]


def artifacts(
    images: Images, name: str, *, kind: str = "", auth: Mapping[str, Any] | None = None
) -> list[Json]:
    """Descriptors of what refers to an image of a registry, of one artifact type or all."""
    reference = parse_normalized(name).with_default_tag()

    def ask(session: Session) -> list[Json]:
        subject = get_manifest(session, reference, reference.digest or reference.tag).digest
        rows = [described(entry) for entry in list_referrers(session, reference, subject)]
        return [row for row in rows if not kind or row.get("artifactType") == kind]

    found: list[Json] = on_some_endpoint(images, reference, auth, ask)
    return found


def attach(
    images: Images,
    name: str,
    source: BinaryIO,
    *,
    kind: str,
    media_type: str = "",
    title: str = "",
    annotations: Mapping[str, str] | None = None,
    auth: Mapping[str, Any] | None = None,
) -> Json:
    """The descriptor of a new artifact that holds `source` and refers to the image."""
    reference = parse_normalized(name).with_default_tag()
    if "/" not in kind:
        raise InvalidArgument(f"invalid artifact type {kind[:100]!r}: a media type is expected")
    with tempfile.TemporaryFile(dir=images.scratch, buffering=0) as file:
        size = 0
        while data := source.read(_PIECE):
            size += file.write(data) or 0
        content = _content(file.fileno(), size, media_type, title)

        def send(session: Session) -> Json:
            return _send(session, reference, file.fileno(), content, kind, dict(annotations or {}))

        made: Json = on_some_endpoint(images, reference, auth, send)
        return made


def _content(fd: int, size: int, media_type: str, title: str) -> Json:
    import hashlib

    digest = hashlib.sha256()
    at = 0
    while data := os.pread(fd, _PIECE, at):
        digest.update(data)
        at += len(data)
    row: Json = {
        "mediaType": media_type or "application/octet-stream",
        "digest": "sha256:" + digest.hexdigest(),
        "size": size,
    }
    if title:
        row["annotations"] = {_TITLE: posixpath.basename(title)}
    return row


def _send(
    session: Session,
    reference: Reference,
    fd: int,
    content: Json,
    kind: str,
    annotations: dict[str, str],
) -> Json:
    top = get_manifest(session, reference, reference.digest or reference.tag)
    digest = Digest(content["digest"])
    if blob_size(session, reference, digest) is None:
        send_file(session, reference, digest, fd, cancel=threading.Event(), on_bytes=lambda n: None)
    if blob_size(session, reference, digest_of(EMPTY)) is None:
        send_bytes(session, reference, digest_of(EMPTY), EMPTY)
    annotations.setdefault("org.opencontainers.image.created", now())
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": _EMPTY_KIND, "digest": digest_of(EMPTY), "size": len(EMPTY)},
        "layers": [content],
        "subject": {
            "mediaType": top.manifest.media_type,
            "digest": top.digest,
            "size": len(top.manifest.raw),
        },
        "annotations": annotations,
    }
    raw = json.dumps(document).encode()
    made = put_referrer(session, reference, raw, OCI_MANIFEST, top.digest)
    return {"mediaType": OCI_MANIFEST, "digest": made, "size": len(raw), "artifactType": kind}


def manifest_of(
    images: Images,
    name: str,
    *,
    auth: Mapping[str, Any] | None = None,
    insecure: bool = False,
) -> Json:
    """`{"Digest", "MediaType", "Manifest"}` of anything a registry has under a name."""
    reference = parse_normalized(name).with_default_tag()

    def ask(session: Session) -> Json:
        found = get_manifest(session, reference, reference.digest or reference.tag)
        return {
            "Digest": found.digest,
            "MediaType": found.manifest.media_type,
            "Manifest": found.manifest.raw.decode(),
        }

    answer: Json = on_some_endpoint(images, reference, auth, ask, insecure=insecure)
    return answer


def fetch(
    images: Images, name: str, blob: str, *, auth: Mapping[str, Any] | None = None
) -> Iterator[bytes]:
    """One content of an artifact, verified before the first byte is given. NotFound."""
    reference = parse_normalized(name).with_default_tag()
    wanted = parse_digest(blob)

    def find(session: Session) -> tuple[Session, Descriptor]:
        found = get_manifest(session, reference, reference.digest or reference.tag).manifest
        entries = (found.config, *found.layers) if isinstance(found, Manifest) else ()
        for entry in entries:
            if entry.digest == wanted:
                return session, entry
        raise NotFound(f"{reference.familiar} does not hold {wanted}")

    session, entry = on_some_endpoint(images, reference, auth, find)
    file = tempfile.TemporaryFile(dir=images.scratch, buffering=0)  # noqa: SIM115
    try:
        Download(
            session,
            reference,
            entry,
            file.fileno(),
            attempts=max(1, images.config.max_download_attempts),
            cancel=threading.Event(),
            on_bytes=lambda n: None,
            on_retry=lambda seconds: None,
        ).run()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _pieces(file)


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        while data := file.read(_PIECE):
            yield data
