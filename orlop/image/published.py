"""The noun: what the built-in registry publishes: pushed manifests, and our images beside them.

`<data-root>/orlop/registry.json` holds, by full repository name, the manifests that were pushed
(digest to media type) and their tags: `{"Digest", "Image"}`, where Image is the local image that
the push made, or "" for what is no image of this host (artifacts, other platforms' lists).

A tag with an Image counts only while the local name still points at that image: `orlop tag` and
`orlop rmi` change what is published. Manifests themselves are blobs. Names that no push made have
a manifest too: the one `push` would send.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from orlop import files
from orlop.errors import NotFound, OrlopError, SystemFailure
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.packed import packed
from orlop.oci.digest import Digest, digest_of, parse_digest
from orlop.oci.image import go_json
from orlop.oci.manifest import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    as_referrer,
    encode_docker_manifest,
    parse_manifest,
)
from orlop.oci.reference import Reference

log = logging.getLogger(__name__)


class Tag(msgspec.Struct, rename="pascal"):
    digest: str
    image: str = ""


class Repository(msgspec.Struct, rename="pascal"):
    manifests: dict[str, str] = {}  # digest to media type
    tags: dict[str, Tag] = {}


class _Document(msgspec.Struct, rename="pascal"):
    repositories: dict[str, Repository] = {}


@dataclass(frozen=True, slots=True)
class Found:
    digest: Digest
    media_type: str
    raw: bytes
    image: Image | None = field(default=None)  # ours, without a pushed manifest


class Published:
    def __init__(self, images: Images) -> None:
        self.images = images
        self.path = images.config.data_root / "orlop" / "registry.json"
        self.lock = threading.RLock()
        self._damage = ""
        try:
            self._record = _load(self.path)
        except SystemFailure as error:
            self._damage = error.message  # the engine works without it; nothing may be written
            self._record = _Document()
            log.warning("%s", error.message)
        images.blobs.pinned = self.pinned
        images.on_delete = self.forget

    def save(self) -> None:
        """After a change under the lock. Raises SystemFailure when the record was damaged."""
        if self._damage:
            raise SystemFailure(self._damage)
        for name in [n for n, r in self._record.repositories.items() if not r.manifests]:
            del self._record.repositories[name]
        raw = go_json(msgspec.to_builtins(self._record))
        files.write_atomic(self.path, raw, mode=0o600)

    def repository(self, reference: Reference, *, make: bool = False) -> Repository:
        """The record of pushes to it; an empty one when there were none."""
        name = reference.repository.name
        if make:
            return self._record.repositories.setdefault(name, Repository())
        return self._record.repositories.get(name) or Repository()

    def pinned(self) -> set[Digest]:
        """Blobs that pushed manifests are, or name."""
        out: set[Digest] = set(self.images.mirrored())
        if self._damage:
            return set(self.images.blobs.all())
        with self.lock:
            known = {d for r in self._record.repositories.values() for d in r.manifests}
        for digest in known:
            out.add(Digest(digest))
            raw = self._raw(Digest(digest))
            if raw is not None:
                out.update(entry.digest for entry in named_by(parsed(raw)))
        return out

    def forget(self, image: Image) -> None:
        """The image was removed from this host: so are its pushed manifests and their tags."""
        with self.lock:
            changed = False
            for row in self._record.repositories.values():
                gone = {tag for tag, kept in row.tags.items() if kept.image == image.id}
                for tag in gone:
                    del row.tags[tag]
                listed = {d.digest for t in row.tags.values() for d in self._named(t.digest)}
                for digest in list(row.manifests):
                    tagged = any(kept.digest == digest for kept in row.tags.values())
                    found = self._named(digest)
                    if (
                        not tagged
                        and digest not in listed
                        and found[:1]
                        and (found[0].digest == str(image.id))
                    ):
                        del row.manifests[digest]
                        changed = True
                changed |= bool(gone)
            if changed and not self._damage:
                self.save()

    def _named(self, digest: str) -> tuple[Descriptor, ...]:
        raw = self._raw(Digest(digest))
        return named_by(parsed(raw)) if raw is not None else ()

    # --- names ----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Repositories that have something, as they are written in paths, sorted."""
        found = {r.repository.name: r.repository for r in self.images.references.all()}
        with self.lock:
            for name in self._record.repositories:
                found.setdefault(name, _repository(name))
        return sorted(r.familiar_name for r in found.values() if self.has(r))

    def has(self, reference: Reference) -> bool:
        if ":" in reference.familiar_name or reference.familiar_name.lower() != (
            reference.familiar_name
        ):
            return False  # a registry's address: no repository may be called so
        return bool(self.repository(reference).manifests) or bool(self.tags(reference))

    def tags(self, reference: Reference) -> list[str]:
        local = {n.tag: i for n, i in self.images.references.in_repository(reference) if n.tag}
        with self.lock:
            pushed = dict(self.repository(reference).tags)
        kept = {tag for tag, row in pushed.items() if not row.image or row.image == local.get(tag)}
        return sorted(kept | set(local))

    # --- manifests ------------------------------------------------------------------------

    def find(self, reference: Reference) -> Found:
        """By digest or tag. Raises NotFound."""
        if reference.digest:
            return self._by_digest(reference)
        local = self.images.references.get(reference)
        with self.lock:
            row = self.repository(reference).tags.get(reference.tag)
        if row is not None and (not row.image or row.image == local):
            return self._pushed(reference, Digest(row.digest))
        image = self.images.find(local) if local is not None else None
        if image is None:
            raise NotFound(f"manifest unknown: {reference.familiar}")
        return self.made(image)

    def _by_digest(self, reference: Reference) -> Found:
        try:
            return self._pushed(reference, parse_digest(reference.digest))
        except NotFound:
            pass
        for named, image_id in self.images.references.in_repository(reference):
            image = self.images.find(image_id) if named.tag else None
            if image is not None and (found := self.made(image)).digest == reference.digest:
                return found
        raise NotFound(f"manifest unknown: {reference.familiar}")

    def _pushed(self, reference: Reference, digest: Digest) -> Found:
        with self.lock:
            kind = self.repository(reference).manifests.get(digest)
        raw = self._raw(digest) if kind is not None else None
        if kind is None or raw is None:
            raise NotFound(f"manifest unknown: {reference.repository.familiar_name}@{digest}")
        return Found(digest, kind, raw)

    def _raw(self, digest: Digest) -> bytes | None:
        file = self.images.blobs.open(digest)
        if file is None:
            return None
        with file:
            return file.read()

    def made(self, image: Image) -> Found:
        """The manifest that a push of this image sends."""
        layers = [Descriptor(DOCKER_LAYER, *packed(self.images, chain)) for chain in image.chains]
        config = Descriptor(DOCKER_CONFIG, Digest(image.id), len(image.raw))
        raw = encode_docker_manifest(config, layers)
        return Found(digest_of(raw), DOCKER_MANIFEST, raw, image)

    def referrers(self, reference: Reference, kind: str = "") -> Iterator[dict[str, Any]]:
        """Descriptors of the manifests whose subject is `reference.digest`."""
        with self.lock:
            rows = dict(self.repository(reference).manifests)
        for digest, media_type in rows.items():
            raw = self._raw(Digest(digest))
            subject = parsed(raw).subject if raw is not None else None
            if raw is None or subject is None or subject.digest != reference.digest:
                continue
            row = as_referrer(raw, media_type, Digest(digest))
            if not kind or row.get("artifactType") == kind:
                yield row


@lru_cache(maxsize=64)
def parsed(raw: bytes) -> Manifest | Index:
    return parse_manifest(raw)


def named_by(manifest: Manifest | Index) -> tuple[Descriptor, ...]:
    """What a manifest cannot be without: config and layers, or the manifests of a list."""
    if isinstance(manifest, Index):
        return manifest.manifests
    return (manifest.config, *(layer for layer in manifest.layers if not layer.foreign))


def _repository(name: str) -> Reference:
    domain, _, path = name.partition("/")
    return Reference(domain, path)


def _load(path: Path) -> _Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Document)
    except FileNotFoundError:
        return _Document()
    except (msgspec.DecodeError, OrlopError) as error:
        raise SystemFailure(f"{path} is damaged: {error}") from None
