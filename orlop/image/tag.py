"""`docker tag`."""

from __future__ import annotations

from orlop.errors import InvalidArgument
from orlop.image import times
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.notify import notify
from orlop.oci.reference import Reference, parse_normalized


def tag(images: Images, source: str, repo: str, tag_: str = "") -> None:
    """Give `source` the name repo[:tag]. Raises NotFound, InvalidArgument."""
    target = parse_target(repo, tag_)
    if target is None:
        raise InvalidArgument("invalid reference format")
    set_name(images, target, images.get(source))


def parse_target(repo: str, tag_: str = "") -> Reference | None:
    """The name that import, tag and commit write; None when there is none (no repository)."""
    if not repo:
        return None
    reference = parse_normalized(repo)
    if reference.digest:
        raise InvalidArgument("cannot import digest reference")
    if tag_:
        return reference.with_tag(tag_)
    return reference.with_default_tag()


def set_name(images: Images, reference: Reference, image: Image) -> None:
    """Write the name, note the time, tell the world."""
    with images.locked(image):
        images.references.set_tag(reference, image.id)
        images.touch(image.id, times.now())
    notify(images, "tag", image, image.id, reference.familiar)
