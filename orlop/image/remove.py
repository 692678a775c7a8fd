"""`docker rmi`: names first, then the image, then its layers, then unnamed parents.

Source: dockerd 28's order, conflict rules and texts.
"""

from __future__ import annotations

from collections.abc import Iterable

from orlop.errors import Conflict
from orlop.image.images import Images
from orlop.image.model import Image, ImageUse
from orlop.image.notify import notify
from orlop.oci.reference import Reference, parse_normalized

_Records = list[dict[str, str]]


class _ImageConflict(Conflict):
    def __init__(self, image: Image, reason: str, *, hard: bool, used: bool) -> None:
        how = "cannot be forced" if hard else "must be forced"
        super().__init__(f"conflict: unable to delete {image.short} ({how}) - {reason}")
        self.used = used


def remove(
    images: Images, ref: str, *, force: bool = False, noprune: bool = False
) -> list[dict[str, str]]:
    """`[{"Untagged": name} | {"Deleted": digest}]` in Docker's order. NotFound, Conflict."""
    with images.lock:
        image = images.get(ref)
        records: _Records = []
        names = images.references.of(image.id)
        by_name = not _is_id_prefix(image.id, ref)
        if by_name:
            if not force and _single(names):
                _refuse_used_name(images, image, ref)
            _untag(images, image, parse_normalized(ref), records)
            if images.references.of(image.id):
                return records
        elif _single(names):
            conflict = _conflict(images, image, force=force, names=False)
            if conflict is not None:
                raise conflict
            for name in names:
                _drop(images, image, name, records)
        _delete(images, image, records, force=force, prune=not noprune, quiet=by_name)
        return records


def _is_id_prefix(image_id: str, text: str) -> bool:
    return image_id.startswith(text) or image_id.partition(":")[2].startswith(text)


def _single(names: list[Reference]) -> bool:
    """All names are of one repository and at most one of them is a tag."""
    if len(names) <= 1:
        return len(names) == 1
    digests = {name.name for name in names if name.digest}
    tags = [name for name in names if not name.digest]
    if len(tags) > 1:
        return False
    first = tags[0] if tags else names[0]
    return digests == {first.name}


def _uses(images: Images, image: Image) -> Iterable[ImageUse]:
    return [use for use in images.in_use() if use.image_id == image.id]


def _refuse_used_name(images: Images, image: Image, ref: str) -> None:
    for use in _uses(images, image):
        raise Conflict(
            f'conflict: unable to remove repository reference "{ref}" (must force) - container '
            f"{use.container_id[:12]} is using its referenced image {image.short}"
        )


def _untag(images: Images, image: Image, reference: Reference, records: _Records) -> None:
    """Remove one name; with a repository's last tag its digests go too."""
    _drop(images, image, reference, records)
    if reference.digest:
        return
    left = [n for n in images.references.of(image.id) if n.name == reference.name]
    if any(not name.digest for name in left):
        return
    for name in left:
        removed = images.references.remove(name)
        records.append({"Untagged": removed.familiar})


def _drop(images: Images, image: Image, name: Reference, records: _Records) -> None:
    removed = images.references.remove(name)
    notify(images, "untag", image, image.id, image.id)
    records.append({"Untagged": removed.familiar})


def _delete(
    images: Images, image: Image, records: _Records, *, force: bool, prune: bool, quiet: bool
) -> None:
    conflict = _conflict(images, image, force=force, names=True)
    if conflict is not None:
        dangling = not images.references.of(image.id) and not images.children(image.id)
        if quiet and (not dangling or conflict.used):
            return
        raise conflict
    parent = image.parent
    for name in images.references.of(image.id):
        _drop(images, image, name, records)
    gone = images.delete(image)
    notify(images, "delete", None, image.id, image.id)
    records.append({"Deleted": image.id})
    records.extend({"Deleted": chain} for chain in gone)
    above = images.find(parent) if prune and parent is not None else None
    if above is not None:
        _delete(images, above, records, force=False, prune=True, quiet=True)


def _conflict(images: Images, image: Image, *, force: bool, names: bool) -> _ImageConflict | None:
    """`names`: do remaining names count?"""
    if images.children(image.id):
        return _ImageConflict(image, "image has dependent child images", hard=True, used=False)
    uses = _uses(images, image)
    for use in uses:
        if use.running:
            reason = f"image is being used by running container {use.container_id[:12]}"
            return _ImageConflict(image, reason, hard=True, used=True)
    if force:
        return None
    if names and images.references.of(image.id):
        reason = "image is referenced in multiple repositories"
        return _ImageConflict(image, reason, hard=False, used=False)
    for use in uses:
        reason = f"image is being used by stopped container {use.container_id[:12]}"
        return _ImageConflict(image, reason, hard=False, used=True)
    return None
