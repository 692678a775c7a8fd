"""The name of the filesystem a directory is on, as `info` shows it."""

from __future__ import annotations

import os
from pathlib import Path

from orlop.kernel import mountinfo

_NAMES = {"ext4": "extfs", "ext3": "extfs", "ext2": "extfs"}


def backing_filesystem(path: Path) -> str:
    """ "unknown" where the table of mounts does not say."""
    found = mountinfo.under(os.path.realpath(path))
    return _NAMES.get(found.kind, found.kind) if found is not None else "unknown"


def nearest(path: Path) -> Path:
    """The first directory upwards that exists."""
    while not path.exists():
        path = path.parent
    return path
