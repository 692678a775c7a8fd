"""What a build gives to a registry or an OCI layout: images of several platforms, attestations.

Pure but for packing layers: a bundle says which blobs there are and what stands on top; to send it
or to write it is another's part. The same images give the same bytes.
Sources: OCI image-spec 1.1; BuildKit, "Attestation storage"; in-toto Statement v0.1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from orlop.image import annotations as notes
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.packed import packed
from orlop.image.software import release, software
from orlop.image.spdx import KIND as SPDX
from orlop.image.spdx import spdx
from orlop.oci import platform as platforms
from orlop.oci.digest import Digest, digest_of
from orlop.oci.image import go_json
from orlop.oci.manifest import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from orlop.oci.platform import Platform
from orlop.oci.reference import Reference
from orlop.paths import Root
from orlop.storage.recordfile import nothing

Json = dict[str, Any]
ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
_EMPTY, _EMPTY_KIND = b"{}", "application/vnd.oci.empty.v1+json"
_INTOTO = "application/vnd.in-toto+json"


@dataclass(slots=True)
class Part:
    """One platform's image; `predicates`: (type, what is stated of it)."""

    image: Image
    platform: Platform
    predicates: list[tuple[str, Json]] = field(default_factory=list)
    sbom: bool = False


@dataclass(slots=True)
class Bundle:
    blobs: dict[Digest, bytes] = field(default_factory=dict)  # small ones, without manifests
    layers: dict[Digest, int] = field(default_factory=dict)  # packed: digest → size
    manifests: dict[Digest, tuple[bytes, str, Digest | None]] = field(default_factory=dict)
    """Bytes, media type, what they refer to; each after what it names."""
    top: Json = field(default_factory=dict)  # the descriptor of what stands under the names

    def add(self, data: bytes, kind: str) -> Json:
        digest = digest_of(data)
        self.blobs[digest] = data
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def manifest(self, document: Json, subject: Digest | None = None) -> Json:
        raw = go_json({k: v for k, v in document.items() if v not in ({}, "", None)})
        digest = digest_of(raw)
        self.manifests[digest] = (raw, document["mediaType"], subject)
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(raw)}


def bundle(
    images: Images,
    parts: Sequence[Part],
    names: Iterable[Reference],
    annotations: Sequence[notes.Annotation] = (),
) -> Bundle:
    """Raises NotFound, OSError. An index where there are several images or attestations."""
    out = Bundle()
    rows: list[Json] = []
    late: list[Json] = []
    named = list(names)
    for part in parts:
        row = _image(images, out, part, annotations)
        rows.append(row)
        if part.sbom or part.predicates:
            late.append(_attestations(images, out, part, row, named))
    if len(rows) == 1 and not late and not notes.of(annotations, "index"):
        out.top = {k: v for k, v in rows[0].items() if k != "platform"}
        return out
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [*rows, *late],
        "annotations": notes.of(annotations, "index"),
    }
    out.top = out.manifest(document)
    said = notes.of(annotations, "index-descriptor")
    if said:
        out.top["annotations"] = said
    return out


def _image(
    images: Images, out: Bundle, part: Part, annotations: Sequence[notes.Annotation]
) -> Json:
    layers = []
    with images.holding(part.image.chains):
        for chain in part.image.chains:
            digest, size = packed(images, chain)
            out.layers[digest] = size
            layers.append({"mediaType": OCI_LAYER + "+gzip", "digest": digest, "size": size})
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": out.add(part.image.raw, OCI_CONFIG),
        "layers": layers,
        "annotations": notes.of(annotations, "manifest", part.platform),
    }
    row = out.manifest(document)
    said = notes.of(annotations, "manifest-descriptor", part.platform)
    if said:
        row["annotations"] = said
    row["platform"] = _platform(part.platform)
    return row


def _platform(platform: Platform) -> Json:
    found = {"architecture": platform.architecture, "os": platform.os, "variant": platform.variant}
    return {key: value for key, value in found.items() if value}


def _attestations(
    images: Images, out: Bundle, part: Part, row: Json, names: Sequence[Reference]
) -> Json:
    """In the index as BuildKit has it, and a referrer of the image's manifest."""
    predicates = list(part.predicates)
    if part.sbom:
        predicates.append((SPDX, _bill(images, part, names)))
    platform = quote(str(part.platform), safe="")
    hexes = {"sha256": row["digest"].partition(":")[2]}
    subjects = [
        {"name": f"pkg:docker/{n.familiar_name}@{n.tag}?platform={platform}", "digest": hexes}
        for n in names
    ] or [{"name": "_", "digest": hexes}]
    layers = []
    for kind, predicate in predicates:
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": kind,
            "subject": subjects,
            "predicate": predicate,
        }
        layer = out.add(go_json(statement), _INTOTO)
        layers.append({**layer, "annotations": {"in-toto.io/predicate-type": kind}})
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ATTESTATION,
        "config": out.add(_EMPTY, _EMPTY_KIND),
        "layers": layers,
        "subject": {k: row[k] for k in ("mediaType", "digest", "size")},
    }
    made = out.manifest(document, Digest(row["digest"]))
    made["annotations"] = {
        "vnd.docker.reference.digest": row["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    made["platform"] = {"architecture": "unknown", "os": "unknown"}
    return made


def _bill(images: Images, part: Part, names: Sequence[Reference]) -> Json:
    image = part.image
    name = names[0].familiar if names else image.id
    chains = image.chains
    with images.holding(chains):
        fd = images.layers.view(chains[-1]) if chains else nothing()
        try:
            with Root(fd) as root:
                return spdx(name, image.id, image.created, software(root), release(root))
        finally:
            os.close(fd)


def platform_of(image: Image) -> Platform:
    return platforms.from_dict(image.config)
