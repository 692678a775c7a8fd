"""A manifest that was pushed to the built-in registry: kept, and made an image where it is one.

The layers of an image are unpacked into the layer store before the name is set, as for `pull`:
a push that was acknowledged can be run.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.image.images import Images
from orlop.image.model import Image, chains_of
from orlop.image.notify import notify
from orlop.image.packed import open_packed, size_of
from orlop.image.published import Published, Tag, named_by, parsed
from orlop.image.remove import remove
from orlop.image.staging import Stack, missing_from, stage_file
from orlop.oci.digest import Digest, ImageID, digest_of
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.manifest import MAX_CONFIG, Index, Manifest, check_image, parse_manifest, select
from orlop.oci.reference import Reference

log = logging.getLogger(__name__)


def publish(published: Published, reference: Reference, raw: bytes, kind: str) -> Digest:
    """Store a manifest under a tag or its digest. InvalidArgument, NotFound (what it names)."""
    manifest = parse_manifest(raw, kind)
    digest = digest_of(raw)
    if reference.digest and reference.digest != digest:
        raise InvalidArgument(f"the content has the digest {digest}, not {reference.digest}")
    images = published.images
    _check(published, reference, manifest)
    images.blobs.put(raw)
    image = _image(published, reference, manifest) if reference.tag else None
    with published.lock:
        row = published.repository(reference, make=True)
        row.manifests[digest] = manifest.media_type
        if reference.tag:
            row.tags[reference.tag] = Tag(digest, image.id if image is not None else "")
        published.save()
    if image is not None:
        _name(images, reference, digest, image)
    return digest


def _check(published: Published, reference: Reference, manifest: Manifest | Index) -> None:
    """All it names is here, and as long as it says."""
    for entry in named_by(manifest):
        if isinstance(manifest, Index):
            named = Reference(reference.domain, reference.path, "", entry.digest)
            size: int | None = len(published.find(named).raw)
        else:
            size = blob_size(published.images, entry.digest)
        if size is None:
            raise NotFound(f"blob unknown: {entry.digest}")
        if size != entry.size:
            raise InvalidArgument(f"{entry.digest} has {size} bytes, not {entry.size}")


def blob_size(images: Images, digest: Digest) -> int | None:
    """Of a blob that is kept, can be packed again, or is the config of an image."""
    image = images.find(ImageID(digest))
    return len(image.raw) if image is not None else size_of(images, digest)


def _image(published: Published, reference: Reference, top: Manifest | Index) -> Image | None:
    """The image of this host that a tag means; None for artifacts and what runs elsewhere."""
    manifest: Manifest | Index = top
    for _ in range(3):
        if isinstance(manifest, Manifest):
            break
        entry = select(manifest, None)
        if entry is None:
            return None
        named = Reference(reference.domain, reference.path, "", entry.digest)
        manifest = parsed(published.find(named).raw)
    if not isinstance(manifest, Manifest):
        return None
    try:
        check_image(manifest)
        return _unpacked(published.images, manifest)
    except InvalidArgument as error:  # a registry keeps it all the same
        log.info("%s is no image to run: %s", reference.familiar, error.message)
        return None


def _unpacked(images: Images, manifest: Manifest) -> Image | None:
    """The stored image; None when it is for another system. InvalidArgument for a wrong one."""
    known = images.find(ImageID(manifest.config.digest))
    if known is not None:
        return known
    if manifest.config.size > MAX_CONFIG:
        raise InvalidArgument(f"config {manifest.config.digest} is too large")
    with open_packed(images, manifest.config.digest) as file:
        config = file.read()
    document = parse_config(config)
    if document.get("os") not in (None, "", "linux"):
        return None
    diffs = diff_ids(document)
    if len(diffs) != len(manifest.layers):
        raise InvalidArgument(
            "invalid manifest, layers length mismatch: expected "
            f"{len(manifest.layers)}, got {len(diffs)}"
        )
    chains = chains_of(diffs)
    with images.holding(chains):
        there = missing_from(images.layers, chains)
        base = chains[there - 1] if there else None
        with Stack(images, base) as stack, _pool() as pool:

            def stage(index: int) -> None:
                with open_packed(images, manifest.layers[index].digest) as blob:
                    staged = stage_file(images.layers, blob, diffs[index], index)
                stack.put(index - there, staged)

            for job in [pool.submit(stage, n) for n in range(there, len(diffs))]:
                job.result()
            stack.commit(diffs[there:])
        return images.add(config)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(os.cpu_count() or 1, "publish") as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _name(images: Images, reference: Reference, digest: Digest, image: Image) -> None:
    with images.locked(image):
        with suppress(Conflict):
            images.references.set_digest(reference.repository.with_digest(digest), image.id)
        images.references.set_tag(reference, image.id)
    notify(images, "load", image, image.id, image.id)


def withdraw(published: Published, reference: Reference) -> None:
    """Delete a tag (and the local name it is), or a manifest with its tags. NotFound, Conflict."""
    images = published.images
    digest = published.find(reference).digest
    gone = _local(published, reference, digest) if reference.digest else [reference.tag]
    with images.lock, published.lock:  # in this order: `rmi` comes with the first one taken
        row = published.repository(reference)
        if reference.digest:
            gone += [t for t, kept in row.tags.items() if kept.digest == digest and t not in gone]
        for tag in gone:
            named = reference.repository.with_tag(tag)
            if images.references.get(named) is not None:
                remove(images, named.familiar)
            row.tags.pop(tag, None)
        if reference.digest:
            row.manifests.pop(reference.digest, None)
        published.save()


def _local(published: Published, reference: Reference, digest: Digest) -> list[str]:
    """Tags of images whose own manifest this is."""
    images = published.images
    found = images.references.in_repository(reference)
    return [
        named.tag
        for named, image_id in found
        if named.tag and (i := images.find(image_id)) and published.made(i).digest == digest
    ]
