"""Remove the volumes that no container refers to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.text import parse_bool
from orlop.volume import filters as filtering
from orlop.volume.filters import Filters
from orlop.volume.volumes import Volumes

_KNOWN = ("all", "label", "label!")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prune(volumes: Volumes, filters: Filters) -> tuple[list[str], int]:
    """(names removed, bytes freed). Without `all` only anonymous ones, as since API 1.42; never
    one with driver options: what it mounts is not ours."""
    filtering.check_names(filters, _KNOWN)
    everything = _everything(filters)
    removed, freed = [], 0
    for volume in volumes.all():
        if not (everything or volume.anonymous) or not filtering.matches(volume, filters):
            continue
        if volume.options or volumes.users(volume.name):
            continue
        try:
            size = usage(volume.mountpoint)
        except OSError:
            size = 0
        try:
            volumes.remove(volume.name)
        except (Conflict, NotFound):
            continue  # someone was faster
        removed.append(volume.name)
        freed += size
    volumes.events.publish("volume", "prune", "", {"reclaimed": str(freed)})
    return removed, freed


def _everything(filters: Filters) -> bool:
    for value in filters.get("all") or ():
        try:
            parse_bool(value)
        except ValueError as error:
            raise InvalidArgument(f"invalid filter 'all': {error}") from None
    return bool(filtering.flag(filters, "all"))


def usage(path: Path) -> int:
    """Bytes of the files below, hard links once, by descriptors: the content is hostile."""
    seen: set[tuple[int, int]] = set()
    total = 0
    pending: list[tuple[int, list[str]]] = []
    fd = os.open(path, _DIRECTORY)
    pending.append((fd, os.listdir(fd)))
    try:
        while pending:
            fd, names = pending[-1]
            if not names:
                pending.pop()
                os.close(fd)
                continue
            name = names.pop()
            try:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    child = os.open(name, _DIRECTORY, dir_fd=fd)
                    pending.append((child, os.listdir(child)))
                    continue
            except OSError:
                continue  # vanished meanwhile
            key = (status.st_dev, status.st_ino)
            if status.st_nlink == 1 or key not in seen:
                total += status.st_size
            if status.st_nlink > 1:
                seen.add(key)
    finally:
        for fd, _ in pending:
            os.close(fd)
    return total
