"""`orlop system check`: everything in the data root against its digests and its records.

Rows {"Kind": "layer|image|name|container|mount|tree", "ID", "Error": "" when right, "Mended": what
was done about it, "" for nothing}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orlop.container.containers import Containers
from orlop.container.mendlayers import mend_layers
from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.remove import remove as remove_image
from orlop.oci.digest import ChainID, ImageID, digest_of
from orlop.storage.check import layer_problem, layer_problems, orphans, writable_problem

Row = dict[str, Any]


def check(containers: Containers, *, repair: bool = False) -> Iterator[Row]:
    """`repair` removes what belongs to nobody and images that are damaged and not in use."""
    broken: set[str] = set()
    for chain, problem in layer_problems(containers.layers):
        mended = _restack(containers, ChainID(chain)) if problem and repair else ""
        if problem and not mended:
            broken.add(chain)
        yield _row("layer", chain, problem, mended)
    yield from _images(containers, broken, repair)
    yield from _containers(containers, repair)
    ids = {container.id for container in containers.all()}
    for kind, id, problem in orphans(containers.layers, ids):
        yield _row(kind, id, problem, _discard(containers, kind, id) if repair else "")


def _images(containers: Containers, broken: set[str], repair: bool) -> Iterator[Row]:
    images = containers.images
    for path in sorted((images.root / "imagedb" / "content" / "sha256").iterdir()):
        id = ImageID(f"sha256:{path.name}")
        image = images.find(id)
        problem = _image_problem(images, id, image, broken)
        mended = ""
        if problem and repair:
            mended = _drop(images, image) if image else _forget(images, id)
        yield _row("image", id, problem, mended)
    for reference, id in images.references.all().items():
        if images.find(id) is None:
            yield _row("name", reference.familiar, f"there is no image {id}")


def _image_problem(images: Images, id: ImageID, image: Image | None, broken: set[str]) -> str:
    if ImageID(digest_of(images.stored_config(id))) != id:
        return "its configuration does not match its digest"
    if image is None:
        return "a layer of it is missing or its configuration cannot be read"
    bad = [chain for chain in image.chains if chain in broken]
    return f"layer {bad[0]} of it is damaged" if bad else ""


def _drop(images: Images, image: Image) -> str:
    """So that the next pull brings it anew."""
    names = [reference.familiar for reference in images.references.of(image.id)]
    try:
        for name in names or [image.id]:
            remove_image(images, name, force=not names)
    except OrlopError as error:
        return f"stays: {error.message}"
    again = next((name for name in names if "@" not in name), "")
    return f"removed: pull {again} again" if again else "removed"


def _forget(images: Images, id: ImageID) -> str:
    """A configuration that nobody can use any more, and its names."""
    for reference, target in images.references.all().items():
        if target == id:
            images.references.remove(reference)
    images.forget(id)
    return "removed"


def _restack(containers: Containers, chain: ChainID) -> str:
    """What a layer stands on can be said again from the records; its content cannot."""
    containers.layers.mend()
    return "" if layer_problem(containers.layers, chain) else "written again"


def _containers(containers: Containers, repair: bool) -> Iterator[Row]:
    for container in containers.all():
        problem = container.damaged or writable_problem(containers.layers, container.id)
        mended = ""
        if problem and not container.damaged and repair:
            mended = "written again" if mend_layers(containers, container) else ""
        yield _row("container", container.id, problem, mended)


def _discard(containers: Containers, kind: str, id: str) -> str:
    layers = containers.layers
    if kind == "mount":
        if containers.find(id) is not None:
            return ""
        layers.remove_writable(id)
        return "removed"
    if not layers.ours(id):
        return "stays: another engine may have made it"
    layers.driver.unmount(id)
    layers.driver.remove(id)
    return "removed"


def _row(kind: str, id: str, problem: str, mended: str = "") -> Row:
    return {"Kind": kind, "ID": id, "Error": problem, "Mended": mended if problem else ""}
