"""Fill a new tmpfs with what the image has at its mount point ("tmpcopyup")."""

from __future__ import annotations

import os
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20


def fill(source: int, target: int) -> None:
    """Copy the tree below the directory fd `source` into `target`, following no link."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=source)
    there = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=target)
    try:
        _copy_directory(here, there)
    finally:
        os.close(here)
        os.close(there)


def _copy_directory(source: int, target: int) -> None:
    for name in os.listdir(source):
        found = os.lstat(name, dir_fd=source)
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFDIR:
            os.mkdir(name, 0o700, dir_fd=target)
            inner = os.open(name, _DIRECTORY, dir_fd=source)
            made = os.open(name, _DIRECTORY, dir_fd=target)
            _copy_directory(inner, made)
            os.close(inner)
            os.close(made)
        elif kind == stat.S_IFREG:
            _copy_file(name, source, target)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        else:
            os.mknod(name, found.st_mode, found.st_rdev, dir_fd=target)
        os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
        if kind != stat.S_IFLNK:
            os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=target)


def _copy_file(name: str, source: int, target: int) -> None:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    reader = os.open(name, os.O_RDONLY | os.O_NONBLOCK | flags, dir_fd=source)
    writer = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600, dir_fd=target)
    try:
        while data := os.read(reader, _BLOCK):
            view = memoryview(data)
            while view:
                view = view[os.write(writer, view) :]
    finally:
        os.close(reader)
        os.close(writer)
