"""Manifests and indexes: parsed once, strictly, into frozen values.

Source: OCI image-spec `manifest.md`, `image-index.md`; Docker "Image Manifest V2, Schema 2".
A manifest whose bytes could be read as something else by another reader is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from orlop.errors import InvalidArgument
from orlop.oci import platform as platforms
from orlop.oci.digest import Digest, parse_digest
from orlop.oci.platform import Platform
from orlop.oci.strictjson import loads_object

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"

ACCEPT: Final = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX)
MAX_MANIFEST: Final = 4 << 20
MAX_CONFIG: Final = 8 << 20
_MANIFESTS = (DOCKER_MANIFEST, OCI_MANIFEST)
_INDEXES = (DOCKER_LIST, OCI_INDEX)
# What old tools wrote for images, as dockerd takes them.
_CONFIGS = (
    DOCKER_CONFIG,
    OCI_CONFIG,
    "application/octet-stream",
    "application/json",
    "text/html",
    "",
)
_LAYERS = frozenset(
    {
        "",  # what it is shows in its bytes
        DOCKER_LAYER,
        DOCKER_FOREIGN,
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        OCI_LAYER,
        OCI_LAYER + "+gzip",
        OCI_LAYER + "+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    }
)
_KNOWN_KEYS = frozenset(
    {"schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "subject"}
)
_MAX_ENTRIES = 1024


@dataclass(frozen=True, slots=True)
class Descriptor:
    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    platform: Platform | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    @property
    def short(self) -> str:
        """The 12 characters shown in progress lines."""
        return self.digest[7:19]

    @property
    def gzipped(self) -> bool:
        return self.media_type.endswith("gzip")

    @property
    def foreign(self) -> bool:
        return "foreign" in self.media_type or "nondistributable" in self.media_type


@dataclass(frozen=True, slots=True)
class Manifest:
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    raw: bytes
    subject: Descriptor | None = None


@dataclass(frozen=True, slots=True)
class Index:
    media_type: str
    manifests: tuple[Descriptor, ...]
    raw: bytes
    subject: Descriptor | None = None


def parse_manifest(raw: bytes, content_type: str = "") -> Manifest | Index:
    """Raises InvalidArgument; `content_type` is the registry's header, "" for files."""
    if len(raw) > MAX_MANIFEST:
        raise InvalidArgument(f"manifest too large: {len(raw)} bytes")
    document = loads_object(raw, what="invalid manifest")
    _check_keys(document)
    media_type = _media_type(document, content_type.partition(";")[0].strip())
    subject = document.get("subject")
    about = _descriptor(subject, "subject") if subject is not None else None
    if media_type in _INDEXES:
        entries = _list(document, "manifests")
        return Index(media_type, tuple(_descriptor(e, "manifests") for e in entries), raw, about)
    config = _descriptor(document.get("config"), "config")
    none = "layers" in document and document["layers"] is None  # as Go writes an empty list
    layers = tuple(_descriptor(e, "layers") for e in ([] if none else _list(document, "layers")))
    return Manifest(media_type, config, layers, raw, about)


def _check_keys(document: dict[str, Any]) -> None:
    folded = {key.casefold(): key for key in _KNOWN_KEYS}
    for key in document:
        if key not in _KNOWN_KEYS and key.casefold() in folded:
            raise InvalidArgument(f"invalid manifest: ambiguous key {key!r}")
    if document.get("schemaVersion") != 2 or document.get("schemaVersion") is True:
        raise InvalidArgument(
            f"unsupported schema version {str(document.get('schemaVersion'))[:20]}"
        )
    if document.get("manifests") is not None and (
        document.get("layers") is not None or document.get("config") is not None
    ):
        raise InvalidArgument("invalid manifest: both manifests and layers are set")
    if "fsLayers" in document:
        raise InvalidArgument("invalid manifest: schema 1 fields in a schema 2 manifest")


def _media_type(document: dict[str, Any], content_type: str) -> str:
    inner = document.get("mediaType")
    if inner is not None and not isinstance(inner, str):
        raise InvalidArgument("invalid manifest: mediaType is not a string")
    if inner and inner not in (*_MANIFESTS, *_INDEXES):
        raise InvalidArgument(f"unsupported manifest media type {inner[:100]!r}")
    if content_type in ("", "application/json", "application/octet-stream", "text/plain"):
        content_type = ""
    elif content_type not in (*_MANIFESTS, *_INDEXES):
        raise InvalidArgument(f"unsupported manifest media type {content_type[:100]!r}")
    if inner and content_type and inner != content_type:
        raise InvalidArgument(f"mediaType in manifest should be '{content_type}' not '{inner}'")
    shape = "manifests" if document.get("manifests") is not None else "layers"
    media_type = inner or content_type
    if not media_type:
        return OCI_INDEX if shape == "manifests" else OCI_MANIFEST
    if (media_type in _INDEXES) != (shape == "manifests"):
        raise InvalidArgument(f"invalid manifest: {media_type} without its fields")
    return media_type


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    if not isinstance(value, list):
        raise InvalidArgument(f"invalid manifest: {key} is not a list")
    if len(value) > _MAX_ENTRIES:
        raise InvalidArgument(f"invalid manifest: too many {key}")
    return value


def _descriptor(value: Any, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise InvalidArgument(f"invalid manifest: {where}: not a descriptor")
    media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
    if not isinstance(media_type, str):
        raise InvalidArgument(f"invalid manifest: {where}: mediaType is missing")
    if not isinstance(digest, str):
        raise InvalidArgument(f"invalid manifest: {where}: digest is missing")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidArgument(f"invalid manifest: {where}: invalid size")
    urls = value.get("urls") or []
    annotations = value.get("annotations") or {}
    artifact = value.get("artifactType") or ""
    if not isinstance(urls, list) or not all(isinstance(u, str) for u in urls):
        raise InvalidArgument(f"invalid manifest: {where}: urls")
    if not isinstance(annotations, dict) or not isinstance(artifact, str):
        raise InvalidArgument(f"invalid manifest: {where}: annotations")
    return Descriptor(
        media_type,
        parse_digest(digest),
        size,
        tuple(urls),
        _platform(value.get("platform"), where),
        {k: v for k, v in annotations.items() if isinstance(v, str)},
        artifact,
    )


def _platform(value: Any, where: str) -> Platform | None:
    if value is None or value == {}:
        return None
    if not isinstance(value, dict) or not all(
        isinstance(value.get(k, ""), str) for k in ("os", "architecture", "variant")
    ):
        raise InvalidArgument(f"invalid manifest: {where}: platform")
    return platforms.from_dict(value)


def check_image(manifest: Manifest) -> None:
    """Refuse artifacts that are no container images, with Docker's texts."""
    if manifest.config.media_type not in _CONFIGS:
        plugin = manifest.config.media_type == "application/vnd.docker.plugin.v1+json"
        kind = "plugin" if plugin else "unknown"
        raise InvalidArgument(
            f"Encountered remote {json.dumps(manifest.config.media_type)}({kind}) when fetching"
        )
    for layer in manifest.layers:
        if layer.media_type not in _LAYERS:
            raise InvalidArgument(f"unsupported layer media type {layer.media_type[:100]!r}")


def select(index: Index, wanted: Platform | None) -> Descriptor | None:
    """The entry for `wanted` (None: the host): exact before compatible, then the list's order; at
    the last one that says nothing of its platform."""
    for candidate in platforms.candidates(wanted or platforms.default()):
        for entry in index.manifests:
            if entry.platform == candidate and is_manifest_type(entry.media_type):
                return entry
    for entry in index.manifests:
        if entry.platform is None and is_manifest_type(entry.media_type):
            return entry
    return None


def is_manifest_type(media_type: str) -> bool:
    return media_type in _MANIFESTS or media_type in _INDEXES


def to_dict(descriptor: Descriptor) -> dict[str, Any]:
    """The Docker key order: mediaType, size, digest."""
    out: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
        "digest": descriptor.digest,
    }
    if descriptor.urls:
        out["urls"] = list(descriptor.urls)
    return out


def as_referrer(raw: bytes, kind: str, digest: Digest) -> dict[str, Any]:
    """The descriptor of a manifest that has a subject, as lists of referrers show it."""
    document = json.loads(raw)
    row: dict[str, Any] = {"mediaType": kind, "digest": digest, "size": len(raw)}
    artifact = document.get("artifactType") or (document.get("config") or {}).get("mediaType")
    if artifact:
        row["artifactType"] = artifact
    if document.get("annotations"):
        row["annotations"] = document["annotations"]
    return row


def encode_oci_manifest(config: Descriptor, layers: list[Descriptor]) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": to_dict(config),
        "layers": [to_dict(layer) for layer in layers],
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def encode_docker_manifest(config: Descriptor, layers: list[Descriptor]) -> bytes:
    """The bytes dockerd pushes (three-space indent, key order), so that digests agree."""
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": to_dict(config),
        "layers": [to_dict(layer) for layer in layers],
    }
    return json.dumps(document, indent=3, ensure_ascii=False).encode()
