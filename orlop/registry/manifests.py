"""Manifests: fetch, look, put.

Source: OCI distribution-spec "Pulling manifests", "Pushing Manifests".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.exceptions import HTTPError

from orlop.oci.digest import Digest, digest_of, parse_digest
from orlop.oci.manifest import ACCEPT, MAX_MANIFEST, Index, Manifest, parse_manifest
from orlop.oci.reference import Reference
from orlop.registry import wording
from orlop.registry.client import pull_scope, push_scope
from orlop.registry.encoding import read_up_to
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session

_ACCEPT = {"Accept": ", ".join(ACCEPT)}


@dataclass(frozen=True, slots=True)
class Fetched:
    digest: Digest
    manifest: Manifest | Index


def path_of(reference: Reference, name: str) -> str:
    return f"/v2/{reference.path}/manifests/{name}"


def head_manifest(session: Session, reference: Reference, name: str) -> Digest | None:
    """The digest a tag points at, None when the registry does not say. RegistryFailure."""
    with session.request(
        "HEAD", path_of(reference, name), scopes=pull_scope(reference), headers=_ACCEPT
    ) as answer:
        shown = answer.headers.get("Docker-Content-Digest")
    return parse_digest(shown) if shown and shown.startswith("sha256:") else None


def get_manifest(
    session: Session, reference: Reference, name: str, *, size: int | None = None
) -> Fetched:
    """The manifest under a tag or digest. Raises RegistryFailure, InvalidArgument."""
    with session.request(
        "GET", path_of(reference, name), scopes=pull_scope(reference), headers=_ACCEPT
    ) as answer:
        try:
            raw = read_up_to(answer, MAX_MANIFEST + 1)
        except HTTPError as error:
            raise wording.read_failure(error) from None
        content_type = answer.headers.get("Content-Type", "")
        shown = answer.headers.get("Docker-Content-Digest", "")
    if len(raw) > MAX_MANIFEST:
        raise RegistryFailure(f"manifest of {reference.familiar} is larger than 4 MiB")
    digest = digest_of(raw)
    expected = name if ":" in name else (shown if shown.startswith("sha256:") else digest)
    if digest != expected or (size is not None and size != len(raw)):
        raise RegistryFailure(f"manifest verification failed for digest {expected[:80]}")
    return Fetched(digest, parse_manifest(raw, content_type))


def put_manifest(
    session: Session, reference: Reference, name: str, manifest: bytes, kind: str
) -> Digest:
    """Store a manifest under a tag or digest; returns its digest. Raises RegistryFailure."""
    digest = digest_of(manifest)
    headers = send_manifest(session, reference, name, manifest, kind)
    shown = headers.get("Docker-Content-Digest", digest)
    if shown.startswith("sha256:") and shown != digest:
        raise RegistryFailure(f"the registry stored {shown[:80]} instead of {digest}")
    return digest


def send_manifest(
    session: Session, reference: Reference, name: str, manifest: bytes, kind: str
) -> Mapping[str, str]:
    """The headers of the registry's answer."""
    with session.request(
        "PUT",
        path_of(reference, name),
        scopes=push_scope(reference),
        headers={"Content-Type": kind},
        body=manifest,
        ok=(200, 201, 202),
    ) as answer:
        return answer.headers
