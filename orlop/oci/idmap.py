"""User-namespace mappings: which IDs of the host stand for the IDs of a container. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Range = tuple[int, int, int]  # first inside, first outside, count

OVERFLOW = 65534  # what the kernel shows for an ID that a namespace has no name for


@dataclass(frozen=True, slots=True)
class IDMap:
    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def root(self) -> tuple[int, int]:
        """The host's IDs of the container's root."""
        return outside(self.uids, 0), outside(self.gids, 0)

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """A file's owner, seen by the host, as the container sees it."""
        return inside(self.uids, uid), inside(self.gids, gid)

    def linux(self) -> dict[str, list[dict[str, int]]]:
        """As `linux` of an OCI spec has them."""
        return {"uidMappings": _entries(self.uids), "gidMappings": _entries(self.gids)}

    def document(self) -> dict[str, list[list[int]]]:
        """As a record keeps them."""
        return {"UIDs": [list(r) for r in self.uids], "GIDs": [list(r) for r in self.gids]}


def from_document(document: Any) -> IDMap | None:
    """None for what is not the `document` of a usable map."""
    try:
        maps = [tuple(_range(r) for r in document[key]) for key in ("UIDs", "GIDs")]
    except (KeyError, TypeError, ValueError):
        return None
    return IDMap(*maps) if all(maps) else None


def from_proc(uid_map: str, gid_map: str) -> IDMap:
    """The texts of /proc/PID/{uid,gid}_map. Raises ValueError."""
    uids, gids = (
        tuple(_range(line.split()) for line in t.splitlines()) for t in (uid_map, gid_map)
    )
    return IDMap(uids, gids)


def _range(words: Sequence[Any]) -> Range:
    first, second, count = (int(word) for word in words)
    if min(first, second) < 0 or count < 1:
        raise ValueError(words)
    return first, second, count


def outside(ranges: Iterable[Range], number: int) -> int:
    """The host's ID; -1 where there is none."""
    for first, host, count in ranges:
        if first <= number < first + count:
            return host + number - first
    return -1


def inside(ranges: Iterable[Range], number: int) -> int:
    for first, host, count in ranges:
        if host <= number < host + count:
            return first + number - host
    return OVERFLOW


def _entries(ranges: Iterable[Range]) -> list[dict[str, int]]:
    return [{"containerID": a, "hostID": b, "size": n} for a, b, n in ranges]
