"""The `-init` layer between image and container: mount points that the image may lack.

Docker makes them in a layer of their own so that they show in no diff and no commit.
"""

from __future__ import annotations

import os

from orlop.paths import Root

_FILES = (".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "dev/console")
_DIRECTORIES = ("dev/pts", "dev/shm", "proc", "sys")
_MODE = 0o755


def populate(fd: int) -> None:
    """Make what is missing in the merged tree `fd`. Links of the image lead inside it only."""
    with Root(fd) as root:
        for path in _DIRECTORIES:
            if not root.exists(path, follow=True):
                os.close(root.mkdir_all(path, _MODE))
        for path in _FILES:
            if not root.exists(path):
                parent = path.rpartition("/")[0]
                if parent:
                    os.close(root.mkdir_all(parent, _MODE))
                _touch(root, path)
        if not root.exists("etc/mtab"):
            root.symlink(b"/proc/mounts", "etc/mtab")


def _touch(root: Root, path: str) -> None:
    with root.parent(path) as (fd, name):
        made = os.open(
            name,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
            _MODE,
            dir_fd=fd,
        )
        try:
            os.fchmod(made, _MODE)
        finally:
            os.close(made)
