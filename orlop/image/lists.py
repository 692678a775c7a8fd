"""Lists of platforms: make one of images that are in a registry, and push it.

Nothing is kept here: who drafts a list (`docker manifest create` keeps its drafts with the CLI)
sends all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orlop.errors import InvalidArgument
from orlop.image.images import Images
from orlop.image.tags import on_some_endpoint
from orlop.oci.image import parse_config
from orlop.oci.manifest import (
    DOCKER_LIST,
    MAX_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Index,
    Manifest,
)
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import get_small
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import Fetched, get_manifest, put_manifest
from orlop.registry.session import Session
from orlop.registry.upload import blob_size, mount_blob

_PLATFORM = ("architecture", "os", "os.version", "os.features", "variant")

Json = dict[str, Any]


def described(
    images: Images,
    name: str,
    *,
    auth: Mapping[str, Any] | None = None,
    insecure: bool = False,
) -> Json:
    """A manifest of a registry as an entry of a list: `{mediaType, digest, size, platform}`."""
    reference = parse_normalized(name).with_default_tag()

    def ask(session: Session) -> Json:
        found = get_manifest(session, reference, reference.digest or reference.tag)
        return _entry(session, reference, found, {})

    row: Json = on_some_endpoint(images, reference, auth, ask, insecure=insecure)
    return row


def push_list(
    images: Images,
    name: str,
    entries: Sequence[Mapping[str, Any]],
    *,
    auth: Mapping[str, Any] | None = None,
    insecure: bool = False,
) -> Json:
    """`{"Digest", "Size", "MediaType", "Pushed"}`; `Pushed`: manifests of other repositories that
    were brought into this one.

    An entry is `{"Ref", "Platform"}`: an image of the same registry, and what its platform shall
    say (empty: as its config says). The first one decides the list's form, as in Docker.
    """
    target = parse_normalized(name).with_default_tag()
    if target.digest:
        raise InvalidArgument("a list is pushed under a tag")
    if not entries:
        raise InvalidArgument("a list needs at least one manifest")
    parts = []
    for entry in entries:
        part = parse_normalized(str(entry.get("Ref") or "")).with_default_tag()
        if part.domain != target.domain:
            raise InvalidArgument(
                f"cannot use source images from a different registry than the target image: "
                f"{part.domain} != {target.domain}"
            )
        parts.append((part, dict(entry.get("Platform") or {})))

    def send(session: Session) -> Json:
        rows = [_bring(session, target, part, platform) for part, platform in parts]
        kind = OCI_INDEX if rows[0]["mediaType"] == OCI_MANIFEST else DOCKER_LIST
        document = {"schemaVersion": 2, "mediaType": kind, "manifests": rows}
        raw = json.dumps(document, indent=3).encode()
        digest = put_manifest(session, target, target.tag, raw, kind)
        brought = [row["digest"] for row, (part, _) in zip(rows, parts) if part.path != target.path]
        return {"Digest": digest, "Size": len(raw), "MediaType": kind, "Pushed": brought}

    made: Json = on_some_endpoint(images, target, auth, send, insecure=insecure)
    return made


def _bring(session: Session, target: Reference, part: Reference, platform: Json) -> Json:
    """The entry; what it names is mounted into the target's repository."""
    found = get_manifest(session, part, part.digest or part.tag)
    row = _entry(session, part, found, platform)
    if part.path != target.path:
        manifest = found.manifest
        assert isinstance(manifest, Manifest)
        for blob in (manifest.config, *manifest.layers):
            if blob.foreign or blob_size(session, target, blob.digest) is not None:
                continue
            if mount_blob(session, target, blob.digest, part):
                raise RegistryFailure(
                    f"the registry does not mount {blob.digest} from {part.familiar_name}: push "
                    f"{part.familiar} to {target.familiar_name} first"
                )
        put_manifest(session, target, found.digest, manifest.raw, manifest.media_type)
    return row


def _entry(session: Session, reference: Reference, found: Fetched, platform: Json) -> Json:
    manifest = found.manifest
    if isinstance(manifest, Index):
        raise InvalidArgument(f"{reference.familiar} is a manifest list")
    unknown = set(platform) - set(_PLATFORM)
    if unknown:
        raise InvalidArgument(f"unknown platform field {min(unknown)[:40]!r}")
    config = parse_config(get_small(session, reference, manifest.config, MAX_CONFIG))
    said = {**{key: config.get(key) for key in _PLATFORM}, **platform}
    shown = {key: value for key, value in said.items() if value}
    if "architecture" not in shown or "os" not in shown:
        raise InvalidArgument(f"{reference.familiar} does not say for which platform it is")
    return {
        "mediaType": manifest.media_type,
        "size": len(manifest.raw),
        "digest": found.digest,
        "platform": shown,
    }
