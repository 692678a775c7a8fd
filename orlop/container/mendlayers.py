"""Write again what a container's layers stand on, from its record and its image."""

from __future__ import annotations

from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.oci.digest import ImageID


def mend_layers(containers: Containers, container: Container) -> bool:
    """True when something had to be. Raises OrlopError, OSError."""
    image = containers.images.find(ImageID(str(container.record.get("Image") or "")))
    return containers.layers.mend_writable(container.id, image.chain if image else None)
