"""`GET /distribution/{name}/json`: what a registry has under a name, without pulling it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.image.images import Images
from orlop.image.tags import on_some_endpoint
from orlop.oci.image import parse_config
from orlop.oci.manifest import MAX_CONFIG, Index
from orlop.oci.reference import parse_normalized
from orlop.registry.blobs import get_small
from orlop.registry.manifests import get_manifest
from orlop.registry.session import Session


def distribution(
    images: Images, name: str, *, auth: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`{"Descriptor": {mediaType, digest, size}, "Platforms": [{architecture, os, variant}]}`."""
    reference = parse_normalized(name).with_default_tag()

    def ask(session: Session) -> dict[str, Any]:
        found = get_manifest(session, reference, reference.digest or reference.tag)
        manifest = found.manifest
        if isinstance(manifest, Index):
            shown = [e.platform for e in manifest.manifests if e.platform is not None]
            platforms = [
                {"architecture": p.architecture, "os": p.os}
                | ({"variant": p.variant} if p.variant else {})
                for p in shown
            ]
        else:
            config = parse_config(get_small(session, reference, manifest.config, MAX_CONFIG))
            keys = ("architecture", "os", "variant")
            platforms = [{k: config[k] for k in keys if config.get(k)}]
        return {
            "Descriptor": {
                "mediaType": manifest.media_type,
                "digest": found.digest,
                "size": len(manifest.raw),
            },
            "Platforms": platforms,
        }

    answer: dict[str, Any] = on_some_endpoint(images, reference, auth, ask)
    return answer
