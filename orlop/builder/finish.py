"""The last steps of a build: images of what it came to, and their names."""

from __future__ import annotations

from collections.abc import Sequence

from orlop.builder.builder import Builder
from orlop.builder.state import State
from orlop.image.notify import notify
from orlop.image.tag import set_name
from orlop.oci.digest import ImageID, digest_of
from orlop.oci.reference import Reference


def keep_images(builder: Builder, trail: Sequence[State]) -> ImageID | str:
    """List an image for each state, each the child of the one before; the last one's ID.

    Their layers are durable already. All but the last can be derived again.
    """
    images = builder.images
    parent: ImageID | None = None
    added = False
    for number, state in enumerate(trail):
        id = state.image_id
        known = images.find(id)
        if known is None and (state.diff_ids or number):
            last = number == len(trail) - 1
            made = images.add(state.document(), parent=parent, local=True, durable=last)
            notify(images, "create", made, made.id, made.id)
            added = True
        parent = id if known is not None or added else None
    if added:
        builder.layers.sync()
    return trail[-1].image_id if trail else ""


def keep_image(builder: Builder, document: bytes) -> ImageID:
    """List an image of its own whose layers are there. Raises NotFound, OSError."""
    images = builder.images
    known = images.find(ImageID(digest_of(document)))
    if known is not None:
        return known.id
    made = images.add(document, local=True)
    notify(images, "create", made, made.id, made.id)
    builder.layers.sync()
    return made.id


def name_image(builder: Builder, name: Reference, image: str) -> None:
    found = builder.images.find(ImageID(image))
    if found is not None:
        set_name(builder.images, name, found)
