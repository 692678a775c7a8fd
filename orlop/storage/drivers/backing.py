"""The name of the filesystem a directory is on, as `info` shows it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAMES = {"ext4": "extfs", "ext3": "extfs", "ext2": "extfs"}


def backing_filesystem(path: Path) -> str:
    """From mountinfo: the last mount at the deepest point above `path`. "unknown" without one.

    Not by device number: the directories of btrfs have others than their mount.
    """
    where = os.path.realpath(path)
    best, found = -1, "unknown"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            point = _plain(left.split(" ", 5)[4])
            if len(point) >= best and (where == point or where.startswith(point.rstrip("/") + "/")):
                best, found = len(point), right.split(" ", 1)[0]
    return _NAMES.get(found, found)


def _plain(text: str) -> str:
    """The kernel writes blanks and backslashes as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
