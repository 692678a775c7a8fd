"""`docker volume prune`: unused anonymous volumes, with `all` the named ones too."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from orlop.errors import Conflict, InvalidArgument
from orlop.volume.list import has_labels
from orlop.volume.volumes import Volumes

_ACCEPTED = ("label", "label!", "all")


def prune(
    volumes: Volumes, filters: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[str], int]:
    """(names removed, bytes freed)."""
    filters = filters or {}
    for key in filters:
        if key not in _ACCEPTED:
            raise InvalidArgument(f"invalid filter '{key}'")
    everything = any(w in ("1", "true", "t", "True", "TRUE") for w in filters.get("all") or ())
    removed, freed = [], 0
    for volume in volumes.all():
        excluded = filters.get("label!") or ()
        if (
            volumes.users(volume.name)
            or not (everything or volume.anonymous)
            or not has_labels(volume, filters.get("label") or ())
            or any(has_labels(volume, [text]) for text in excluded)
        ):
            continue
        size = usage(volume.mountpoint)
        try:
            volumes.remove(volume.name)
        except Conflict:
            continue  # taken meanwhile
        removed.append(volume.name)
        freed += size
    volumes.events.publish("volume", "prune", "", {"reclaimed": str(freed)})
    return removed, freed


def usage(path: str) -> int:
    """Bytes of the files below a trusted directory; links are not followed."""
    total = 0
    for _, _, names, fd in os.fwalk(path):
        for name in names:
            try:
                total += os.stat(name, dir_fd=fd, follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total
