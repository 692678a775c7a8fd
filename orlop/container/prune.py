"""Remove every container that does not run."""

from __future__ import annotations

from typing import Any

from orlop.container import filters as filtering
from orlop.container import remove
from orlop.container.containers import Containers
from orlop.container.times import nanoseconds
from orlop.errors import OrlopError


def prune(containers: Containers, filters: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """`{"ContainersDeleted": [id] | None, "SpaceReclaimed": n}`; filters: until, label, label!."""
    given = filters or {}
    filtering.check_names(given, ("label", "label!", "until"))
    until = filtering.until(given.get("until") or [])
    deleted: list[str] = []
    reclaimed = 0
    for container in containers.all():
        if container.state.running or container.state.removing:
            continue
        if container.damaged:
            continue  # nobody knows what it is: only an explicit rm
        record = container.record
        if until is not None and nanoseconds(record["Created"]) >= until:
            continue
        labels = (record.get("Config") or {}).get("Labels") or {}
        if not filtering.labels_match(labels, given):
            continue
        size = _size(containers, container.id)
        try:
            remove.remove(containers, container.id)
        except OrlopError:
            continue  # started or removed in between
        deleted.append(container.id)
        reclaimed += size
    containers.events.publish("container", "prune", "", {"reclaimed": str(reclaimed)})
    return {"ContainersDeleted": deleted or None, "SpaceReclaimed": reclaimed}


def _size(containers: Containers, id: str) -> int:
    """Bytes of the writable layer; 0 when it is gone, as that of a kept build step is."""
    try:
        return containers.layers.size_writable(id)
    except (OrlopError, OSError):
        return 0
