"""`docker volume ls`: filtered by name, driver, label, dangling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orlop.errors import InvalidArgument
from orlop.volume.model import Volume
from orlop.volume.volumes import Volumes

Filters = Mapping[str, Sequence[str]]
_ACCEPTED = ("dangling", "name", "driver", "label")
_TRUE, _FALSE = ("1", "t", "true", "True", "TRUE"), ("0", "f", "false", "False", "FALSE")


def list_(volumes: Volumes, filters: Filters | None = None) -> list[Volume]:
    """Raises InvalidArgument for an unknown filter."""
    filters = filters or {}
    for key in filters:
        if key not in _ACCEPTED:
            raise InvalidArgument(f"invalid filter '{key}'")
    return [v for v in volumes.all() if _matches(volumes, v, filters)]


def _matches(volumes: Volumes, volume: Volume, filters: Filters) -> bool:
    names = filters.get("name")
    if names and not any(n in volume.name for n in names):
        return False
    drivers = filters.get("driver")
    if drivers and volume.driver not in drivers:
        return False
    if not has_labels(volume, filters.get("label") or ()):
        return False
    for word in filters.get("dangling") or ():
        if word not in _TRUE + _FALSE:
            raise InvalidArgument(f"invalid filter 'dangling={word}'")
        if (word in _TRUE) == bool(volumes.users(volume.name)):
            return False
    return True


def has_labels(volume: Volume, wanted: Sequence[str]) -> bool:
    for text in wanted:
        key, equals, value = text.partition("=")
        if key not in volume.labels or (equals and volume.labels[key] != value):
            return False
    return True
