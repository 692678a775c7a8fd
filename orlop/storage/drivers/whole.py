"""What the drivers without a union mount share: each tree is a whole filesystem.

    <home>/<folder>/<id>        as Docker's vfs (dir) and btrfs (subvolumes) have it

A layer is unpacked as a difference; stacking it copies the tree below and lays the difference
into the copy. A container's layer is its root filesystem, so nothing has to be mounted.
"""

from __future__ import annotations

import os
from pathlib import Path

from orlop.kernel import libc
from orlop.kernel.spread import spread
from orlop.paths import remove_entry
from orlop.storage.clone import merge_tree
from orlop.storage.driver import Owners, Pause

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class WholeTrees:
    whole = True
    opaque = "trusted.overlay.opaque"
    name: str
    folder: str

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o710, parents=True, exist_ok=True)
        home.chmod(0o710)
        self._trees = home / self.folder
        self._trees.mkdir(mode=0o710, exist_ok=True)
        spread(self._trees)

    def tree(self, id: str) -> Path:
        return self._trees / id

    def _lay_over(self, difference: str, id: str) -> None:
        """A layer's difference over the whole tree `id`, which uses the difference up."""
        over = os.open(self.tree(difference), _DIRECTORY)
        try:
            into = os.open(self.tree(id), _DIRECTORY)
            try:
                merge_tree(over, into)
            finally:
                os.close(into)
        finally:
            os.close(over)
        self.remove(difference)

    def mend(self, id: str, parent: str | None) -> bool:
        return False  # there are none

    def stacking_problem(self, id: str, parent: str | None) -> str:
        return ""  # a copy stands on nothing

    def exists(self, id: str) -> bool:
        return self.tree(id).is_dir()

    def all(self) -> list[str]:
        return [entry.name for entry in os.scandir(self._trees)]

    def remove(self, id: str, pause: Pause | None = None) -> None:
        trees = os.open(self._trees, _DIRECTORY)
        try:
            remove_entry(trees, os.fsencode(id), pause)
        except FileNotFoundError:
            pass
        finally:
            os.close(trees)

    def tidy(self) -> None:
        """There are trees only."""

    def sync(self) -> None:
        fd = os.open(self.home, _DIRECTORY)
        try:
            libc.call("syncfs", fd, path=str(self.home))
        finally:
            os.close(fd)

    def mount(self, id: str, *, volatile: bool = False, owners: Owners | None = None) -> Path:
        return self.tree(id)

    def unmount(self, id: str) -> None:
        """Nothing was mounted."""

    def mounted(self) -> set[str]:
        return set()

    def temporary(self, id: str) -> int:
        return os.open(self.tree(id), _DIRECTORY)

    def settle(self, id: str) -> None:
        """Nothing was mounted."""

    def leave(self) -> None:
        """Nothing was mounted."""

    def view(self, id: str) -> int:
        return os.open(self.tree(id), _DIRECTORY)

    def status(self) -> list[tuple[str, str]]:
        from orlop.storage.drivers.backing import backing_filesystem

        return [("Backing Filesystem", backing_filesystem(self.home))]

    def data(self, id: str) -> dict[str, str]:
        return {}
