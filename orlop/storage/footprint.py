"""How much of the disk a tree takes: allocated bytes, as du counts them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from orlop.storage.walk import walk

_BLOCK = 512  # st_blocks is in these, whatever the filesystem
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Footprint:
    """Adds trees up; a file with several names counts where it is met first."""

    device: int  # what is mounted below is not followed
    _seen: set[int] = field(default_factory=set)

    def of(self, name: str, directory: int) -> tuple[int, int]:
        """(bytes, files and directories) of an entry and all below it; (0, 0) when it is gone."""
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            size, count = self._one(status)
            if count and stat.S_ISDIR(status.st_mode):
                fd = os.open(name, _DIRECTORY, dir_fd=directory)
                try:
                    for below in walk(fd, lambda found: found.st_dev == self.device):
                        more, files = self._one(below)
                        size += more
                        count += files
                finally:
                    os.close(fd)
        except (FileNotFoundError, NotADirectoryError):
            return 0, 0
        return size, count

    def alone(self, fd: int) -> tuple[int, int]:
        """Of an open directory itself."""
        return self._one(os.fstat(fd))

    def _one(self, status: os.stat_result) -> tuple[int, int]:
        if status.st_dev != self.device:
            return 0, 0
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if status.st_ino in self._seen:
                return 0, 0
            self._seen.add(status.st_ino)
        return status.st_blocks * _BLOCK, 1
