"""`docker image prune`: images without a name (or, with dangling=false, without a container)."""

from __future__ import annotations

from typing import Any

from orlop.errors import Conflict, NotFound
from orlop.image import filters as filtering
from orlop.image import times
from orlop.image.filters import Filters
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.remove import remove
from orlop.oci.digest import ChainID

_KNOWN = frozenset({"dangling", "label", "label!", "until"})


def prune(images: Images, filters: Filters | None = None) -> dict[str, Any]:
    """`{"ImagesDeleted": [...] | None, "SpaceReclaimed": bytes}`."""
    filters = filters or {}
    filtering.check(filters, _KNOWN)
    dangling_only = filtering.boolean(filters, "dangling", True)
    until = [times.moment_ns(text) for text in filters.get("until") or []]
    used = {use.image_id for use in images.in_use()}
    sizes: dict[str, int] = {}
    for image in images.all():
        for chain in image.chains:
            sizes.setdefault(chain, images.layers.get(ChainID(chain)).size)
    deleted: list[dict[str, str]] = []
    for image in images.all():
        names = images.references.of(image.id)
        unnamed = not any(not name.digest for name in names) and not images.children(image.id)
        if image.id in used or not (unnamed or not dangling_only):
            continue
        if not _matches(image, filters, until) or images.find(image.id) is None:
            continue
        targets = [name.familiar for name in names if not name.digest] or [image.id]
        for target in targets:
            try:
                deleted += remove(images, target)
            except (Conflict, NotFound):
                continue  # it came into use, or went with another
    freed = sum(sizes.get(entry.get("Deleted", ""), 0) for entry in deleted)
    if not dangling_only:
        freed += images.clear_caches()
    images.events.publish("image", "prune", "", {"reclaimed": str(freed)})
    return {"ImagesDeleted": deleted or None, "SpaceReclaimed": freed}


def _matches(image: Image, filters: Filters, until: list[int]) -> bool:
    created = times.parse_ns(image.created)
    if any(created >= moment for moment in until):
        return False
    labels = image.run_config.get("Labels") or {}
    if not filtering.labels_match(filters, "label", labels):
        return False
    unwanted = filters.get("label!") or []
    return not any(filtering.labels_match({"label": [w]}, "label", labels) for w in unwanted)
