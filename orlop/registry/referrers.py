"""What refers to a manifest: signatures, bills of material, other artifacts.

Source: OCI distribution-spec 1.1 "Listing Referrers", with its fallback for registries that do not
know the API: an index under the tag `sha256-<hex>`.
"""

from __future__ import annotations

import json
from typing import Any

from urllib3.exceptions import HTTPError

from orlop.oci.digest import Digest, digest_of, hex_of
from orlop.oci.manifest import (
    MAX_MANIFEST,
    OCI_INDEX,
    Descriptor,
    Index,
    as_referrer,
    parse_manifest,
)
from orlop.oci.reference import Reference
from orlop.registry import wording
from orlop.registry.client import pull_scope
from orlop.registry.encoding import read_up_to
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import get_manifest, put_manifest, send_manifest
from orlop.registry.session import Session
from orlop.registry.tags import next_page

_MAX_PAGES = 100


def list_referrers(session: Session, reference: Reference, subject: Digest) -> list[Descriptor]:
    """Raises RegistryFailure, InvalidArgument."""
    url: str | None = f"{session.endpoint.base}/v2/{reference.path}/referrers/{subject}"
    seen: set[str] = set()
    out: list[Descriptor] = []
    while url is not None:
        seen.add(url)
        with session.request("GET", url, scopes=pull_scope(reference), ok=(200, 404)) as answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            if answer.status != 200 or kind != OCI_INDEX:
                return out or _by_tag(session, reference, subject)
            try:
                raw = read_up_to(answer, MAX_MANIFEST + 1)
            except HTTPError as error:
                raise wording.read_failure(error) from None
            found = parse_manifest(raw, kind)
            out += found.manifests if isinstance(found, Index) else ()
            if len(seen) > _MAX_PAGES:
                raise RegistryFailure("the registry's list does not end")
            url = next_page(session, url, answer.headers.get("Link", ""), seen)
    return out


def _by_tag(session: Session, reference: Reference, subject: Digest) -> list[Descriptor]:
    try:
        found = get_manifest(session, reference, _tag(subject)).manifest
    except RegistryFailure as failure:
        if failure.status == 404:
            return []
        raise
    return list(found.manifests) if isinstance(found, Index) else []


def put_referrer(
    session: Session, reference: Reference, raw: bytes, kind: str, subject: Digest
) -> Digest:
    """Store a manifest that has a subject; a registry that takes no notice gets the tag too."""
    digest = digest_of(raw)
    headers = send_manifest(session, reference, digest, raw, kind)
    if headers.get("OCI-Subject") != subject:
        _note(session, reference, raw, kind, subject)
    return digest


def _note(session: Session, reference: Reference, raw: bytes, kind: str, subject: Digest) -> None:
    known = _by_tag(session, reference, subject)
    digest = digest_of(raw)
    if any(entry.digest == digest for entry in known):
        return
    rows = [*map(described, known), as_referrer(raw, kind, digest)]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}
    put_manifest(session, reference, _tag(subject), json.dumps(index).encode(), OCI_INDEX)


def described(entry: Descriptor) -> dict[str, Any]:
    """The descriptor as it stands in an index."""
    row: dict[str, Any] = {
        "mediaType": entry.media_type,
        "digest": entry.digest,
        "size": entry.size,
    }
    if entry.artifact_type:
        row["artifactType"] = entry.artifact_type
    if entry.annotations:
        row["annotations"] = entry.annotations
    return row


def _tag(subject: Digest) -> str:
    return f"sha256-{hex_of(subject)}"
