"""What orlop made in a data root that was dockerd's: only that may ever be swept away.

`<data-root>/orlop/journal`: a tree's ID or a layer's chain ID a line, appended before it is made.
BuildKit's layers, for one, have no image and look like what a crash left.
"""

from __future__ import annotations

import os
from pathlib import Path


class Journal:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._names = set(path.read_text("ascii", "replace").split())
        except FileNotFoundError:
            self._names = set()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def note(self, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            os.write(fd, f"{name}\n".encode())
        finally:
            os.close(fd)
        self._names.add(name)
