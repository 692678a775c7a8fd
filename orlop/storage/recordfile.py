"""The one-line files that layer records consist of."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


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


def text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
