"""Fill a new, empty volume with what the image has at its mount point.

The image is hostile: its directory is opened inside the rootfs (a link may not lead out, CVE
class S20), and what is below it is copied without following links. A volume that holds anything is
left alone.
"""

from __future__ import annotations

import os

from orlop.paths import Root
from orlop.storage.clone import clone_tree

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_empty(directory: str) -> bool:
    with os.scandir(directory) as entries:
        return next(entries, None) is None


def fill(root: Root, path: str, volume: str) -> None:
    """Copy `path` of the rootfs into the volume's directory. Absent paths copy nothing."""
    if not is_empty(volume):
        return
    try:
        source = root.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        target = os.open(volume, _DIRECTORY)
        try:
            clone_tree(source, target, attributes=False)
        finally:
            os.close(target)
    finally:
        os.close(source)
