"""`type=image` mounts: an image's tree, read-only, below a path of the container.

As in Docker each is a layer of the container's own over the image, so that the image cannot go
away; it is mounted while the container runs.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from orlop.container import mounts
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import NotFound, OrlopError
from orlop.storage.driver import Owners

log = logging.getLogger(__name__)

Json = dict[str, Any]

WARNING = "Image mount is an experimental feature"


def point(containers: Containers, id: str, request: Json, undo: Callable[[Any], object]) -> Json:
    """The mount point of a new container `id`. Raises NotFound for an image that is not here."""
    name = request["Source"]
    image = containers.images.get(name)
    layer = f"{id}-{hashlib.sha256(request['Target'].encode()).hexdigest()[:12]}"
    with containers.images.holding(image.chains):
        containers.layers.create_writable(layer, image.chain, init=False, volatile=True)
    undo(lambda: containers.layers.remove_writable(layer))
    made = mounts.point(request, source="", name=name, driver="", identity=layer)
    made["RW"] = False
    made["Propagation"] = "rprivate"
    made["Spec"] = {**made["Spec"], "Source": image.id}
    return made


def layers(record: Json) -> list[str]:
    """IDs of the layers behind a record's image mounts."""
    points = (record.get("MountPoints") or {}).values()
    return [p["ID"] for p in points if p.get("Type") == "image" and p.get("ID")]


def mount(containers: Containers, point: Json, owners: Owners | None = None) -> str:
    """The tree on the host; noted in the mount point, as Docker shows it."""
    path: str = containers.layers.mount(point["ID"], owners)
    point["Source"] = path
    return path


def unmount(containers: Containers, container: Container, record: Json) -> None:
    """Once its container has ended, away from those who wait for that."""
    for layer in layers(record):
        containers.cleanup.add(
            f"image mount of {container.id[:12]}",
            lambda layer=layer: _unmount(containers, container, layer),  # type: ignore[misc]
        )


def _unmount(containers: Containers, container: Container, layer: str) -> None:
    with container.lock:
        if not container.state.running and containers.find(container.id) is container:
            containers.layers.unmount(layer)


def remove(containers: Containers, record: Json) -> None:
    """Its container is gone."""
    for layer in layers(record):
        try:
            parent = containers.layers.writable(layer).parent
            containers.layers.remove_writable(layer)
            containers.images.release(parent)  # of an image that was removed meanwhile
        except NotFound:
            pass
        except OrlopError:
            log.exception("image mount %s", layer)
