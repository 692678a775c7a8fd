"""The name of the filesystem a directory is on, as `info` shows it."""

from __future__ import annotations

import os
from pathlib import Path

_NAMES = {"ext4": "extfs", "ext3": "extfs", "ext2": "extfs"}


def backing_filesystem(path: Path) -> str:
    """From mountinfo: the mount with the device of `path`. "unknown" when there is none."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            if left.split(" ", 3)[2] == wanted:
                kind = right.split(" ", 1)[0]
                return _NAMES.get(kind, kind)
    return "unknown"
