"""List volumes."""

from __future__ import annotations

from orlop.volume import filters as filtering
from orlop.volume.filters import Filters
from orlop.volume.model import Volume
from orlop.volume.volumes import Volumes

_KNOWN = ("dangling", "driver", "label", "name")


def list_(volumes: Volumes, filters: Filters) -> list[Volume]:
    """By name. Raises InvalidArgument for filters Docker does not know."""
    filtering.check_names(filters, _KNOWN)
    dangling = filtering.flag(filters, "dangling")
    found = [v for v in volumes.all() if filtering.matches(v, filters)]
    if dangling is None:
        return found
    return [v for v in found if bool(volumes.users(v.name)) is not dangling]
