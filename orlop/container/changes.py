"""`docker diff`: what a container's writable layer changed."""

from __future__ import annotations

from orlop.container.containers import Containers
from orlop.storage.changes import Change


def changes(containers: Containers, ref: str) -> list[Change]:
    """Sorted by path; kinds 0 modified, 1 added, 2 deleted."""
    return containers.layers.changes(containers.get(ref).id)
