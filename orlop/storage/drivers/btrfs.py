"""btrfs: every layer a subvolume, a snapshot of the one below. Needs a data root on btrfs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orlop.errors import SystemFailure
from orlop.kernel import btrfs
from orlop.storage.driver import Pause
from orlop.storage.drivers.backing import backing_filesystem, nearest
from orlop.storage.drivers.whole import WholeTrees

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Btrfs(WholeTrees):
    name = "btrfs"
    folder = "subvolumes"

    def __init__(self, home: Path) -> None:
        """Raises SystemFailure when `home` is not on btrfs."""
        found = backing_filesystem(nearest(home))
        if found != "btrfs":
            raise SystemFailure(
                f"storage driver btrfs is not supported on {home}: the filesystem is {found}; "
                "put --data-root on btrfs, or use overlay2"
            )
        super().__init__(home)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        fd = os.open(self._trees, _DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def create(self, id: str) -> Path:
        with self._folder() as folder:
            btrfs.create_subvolume(folder, os.fsencode(id))
        self.tree(id).chmod(0o755)
        return self.tree(id)

    def attach(self, id: str, parent: str) -> None:
        name = os.fsencode(id)
        difference = f"{id}-diff"  # an orphan to sweep, should we not come to the end
        with self._folder() as folder:
            os.rename(name, os.fsencode(difference), src_dir_fd=folder, dst_dir_fd=folder)
            source = os.open(self.tree(parent), _DIRECTORY)
            try:
                btrfs.snapshot(folder, name, source)
            finally:
                os.close(source)
        if os.listdir(self.tree(difference)):
            self._lay_over(difference, id)
        else:
            self.remove(difference)

    def remove(self, id: str, pause: Pause | None = None) -> None:
        """In one step; a container may have made subvolumes inside, which refuse that."""
        try:
            with self._folder() as folder:
                btrfs.destroy_subvolume(folder, os.fsencode(id))
        except FileNotFoundError:
            pass
        except OSError:
            super().remove(id, pause)

    def status(self) -> list[tuple[str, str]]:
        return [("Btrfs", "")]
