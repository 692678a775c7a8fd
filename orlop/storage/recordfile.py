"""The one-line files that layer records consist of."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

# a tree of the driver: ours and dockerd's, or BuildKit's
TREE = re.compile(r"([0-9a-f]{64}|[0-9a-z]{25})(-init)?")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def nothing() -> int:
    """An empty directory that is gone already."""
    path = tempfile.mkdtemp()
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.rmdir(path)


def put(path: Path, content: str, *, durable: bool = True) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.fchmod(fd, 0o644)
        os.write(fd, content.encode())
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def text(path: Path) -> str:
    """ "" when it is not there; what is not text comes back as characters that no record has."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
