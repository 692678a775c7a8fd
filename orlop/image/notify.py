"""Image events: what `docker events` shows for images."""

from __future__ import annotations

from orlop.image.images import Images
from orlop.image.model import Image


def notify(images: Images, action: str, image: Image | None, actor: str, name: str) -> None:
    """Labels of the image come along as attributes, `name` decides over a label of that key."""
    labels = (image.run_config.get("Labels") or {}) if image is not None else {}
    attributes = {key: str(value) for key, value in labels.items()}
    if name:
        attributes["name"] = name
    images.events.publish("image", action, actor, attributes)
