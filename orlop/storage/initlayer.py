"""The `-init` layer between image and container: mount points that the image may lack.

Docker makes them in a layer of their own so that they show in no diff and no commit.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    mode: int  # with the type bits: directory, file or link
    owner: tuple[int, int]
    target: str  # of a link


@dataclass(frozen=True, slots=True)
class Template:
    """What `populate` made over one image, to be made again without merging the image first."""

    entries: tuple[_Entry, ...]


_LARGEST = 64  # entries; more is not what populate makes


def read_template(tree: Path) -> Template | None:
    """The upper tree of a populated layer; None when it holds what cannot be made again."""
    found: list[_Entry] = []
    todo = [""]
    while todo:
        where = todo.pop(0)
        for name in sorted(os.listdir(tree / where)):
            path = f"{where}/{name}".lstrip("/")
            status = os.lstat(tree / path)
            if stat.S_ISDIR(status.st_mode):
                todo.append(path)
                if _has_attributes(tree / path):
                    return None
            elif not stat.S_ISLNK(status.st_mode) and not (
                stat.S_ISREG(status.st_mode) and status.st_size == 0
            ):
                return None
            target = os.readlink(tree / path) if stat.S_ISLNK(status.st_mode) else ""
            found.append(_Entry(path, status.st_mode, (status.st_uid, status.st_gid), target))
            if len(found) > _LARGEST:
                return None
    return Template(tuple(found))


def _has_attributes(path: Path) -> bool:
    """Attributes of the image's own directory, which a copied-up one has to keep."""
    return any(
        not name.startswith(("trusted.overlay.", "user.overlay.")) for name in os.listxattr(path)
    )


def apply_template(tree: Path, template: Template) -> None:
    """Into a fresh, empty layer that nobody else sees yet: no link can stand in the way."""
    base = os.fspath(tree)
    for entry in template.entries:
        path = f"{base}/{entry.path}"
        if stat.S_ISDIR(entry.mode):
            os.mkdir(path)
            os.chmod(path, stat.S_IMODE(entry.mode))
        elif stat.S_ISLNK(entry.mode):
            os.symlink(entry.target, path)
        else:
            os.mknod(path, stat.S_IFREG | 0o600)
            os.chmod(path, stat.S_IMODE(entry.mode))
        if entry.owner != (0, 0):
            os.lchown(path, *entry.owner)
