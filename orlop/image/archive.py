"""What an image archive contains: Docker's `manifest.json` or an OCI layout's `index.json`.

Source: Docker image specification v1.2; OCI image-layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from orlop.errors import InvalidArgument, OrlopError, SystemFailure
from orlop.image.spool import Spool
from orlop.oci.digest import ImageID, digest_of, hex_of, parse_digest
from orlop.oci.manifest import (
    MAX_CONFIG,
    MAX_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    check_image,
    parse_manifest,
    select,
)
from orlop.oci.platform import Platform
from orlop.oci.reference import Reference, parse_normalized

_MAX_DOCUMENT = 32 << 20
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One image: its config's bytes, member names of its layers bottom first, its tags."""

    config: bytes
    layers: tuple[str, ...]
    tags: tuple[Reference, ...]
    parent: ImageID | None = None


class _DockerEntry(msgspec.Struct):
    config: str = msgspec.field(name="Config")
    layers: list[str] | None = msgspec.field(name="Layers", default=None)
    tags: list[str] | None = msgspec.field(name="RepoTags", default=None)
    parent: str | None = msgspec.field(name="Parent", default=None)


def entries(spool: Spool, platform: Platform | None) -> list[Entry]:
    """Raises InvalidArgument, SystemFailure with dockerd's texts where it has them."""
    raw = spool.document("manifest.json", _MAX_DOCUMENT)
    if raw is not None:
        return _docker(spool, raw)
    raw = spool.document("index.json", MAX_MANIFEST)
    if raw is not None:
        return _oci(spool, raw, platform)
    raise SystemFailure("open manifest.json: no such file or directory")


def _docker(spool: Spool, raw: bytes) -> list[Entry]:
    try:
        found = msgspec.json.decode(raw, type=list[_DockerEntry])
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"invalid manifest.json: {error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArgument(f"invalid manifest.json: {error}") from None
    out: list[Entry] = []
    for item in found:
        config = spool.document(item.config, MAX_CONFIG)
        if config is None:
            raise SystemFailure(f"open {item.config[:200]}: no such file or directory")
        parent = ImageID(parse_digest(item.parent)) if item.parent else None
        names = tuple(_tag(text) for text in item.tags or [])
        out.append(Entry(config, tuple(item.layers or []), names, parent))
    return out


def _tag(text: str) -> Reference:
    reference = parse_normalized(text)
    if reference.digest or not reference.tag:
        raise InvalidArgument(f'invalid tag "{text[:200]}"')
    return reference


def _oci(spool: Spool, raw: bytes, platform: Platform | None) -> list[Entry]:
    index = parse_manifest(raw)
    if not isinstance(index, Index):
        raise InvalidArgument("invalid index.json: not an image index")
    out: dict[tuple[str, ...], Entry] = {}
    for top in index.manifests:
        manifest = _resolve(spool, top, platform, 0)
        if manifest is None:
            continue
        check_image(manifest)
        config = _blob(spool, manifest.config, MAX_CONFIG)
        layers = tuple(f"blobs/sha256/{hex_of(layer.digest)}" for layer in manifest.layers)
        key = (manifest.config.digest, *layers)
        before = out.get(key)
        tags = (*(before.tags if before else ()), *_names(top))
        out[key] = Entry(config, layers, tags)
    if not out:
        raise InvalidArgument("no image for this platform in index.json")
    return list(out.values())


def _resolve(
    spool: Spool, entry: Descriptor, platform: Platform | None, depth: int
) -> Manifest | None:
    if depth > _MAX_DEPTH:
        raise InvalidArgument("invalid index.json: nested too deeply")
    found = parse_manifest(_blob(spool, entry, MAX_MANIFEST), entry.media_type)
    if isinstance(found, Manifest):
        return found
    chosen = select(found, platform)
    return _resolve(spool, chosen, platform, depth + 1) if chosen is not None else None


def _blob(spool: Spool, entry: Descriptor, limit: int) -> bytes:
    data = spool.document(f"blobs/sha256/{hex_of(entry.digest)}", limit)
    if data is None:
        raise SystemFailure(f"open blobs/sha256/{hex_of(entry.digest)}: no such file or directory")
    if len(data) != entry.size or digest_of(data) != entry.digest:
        raise InvalidArgument(f"blob {entry.digest} in the archive has other content")
    return data


def _names(entry: Descriptor) -> list[Reference]:
    """Only a full name is a name: a bare `org.opencontainers.image.ref.name=1` is not one."""
    for key in ("io.containerd.image.name", "org.opencontainers.image.ref.name"):
        text: Any = entry.annotations.get(key)
        if not text or (key.startswith("org.") and ":" not in text and "/" not in text):
            continue
        try:
            reference = parse_normalized(text)
        except OrlopError:
            continue
        if not reference.digest:
            return [reference.with_default_tag()]
    return []
