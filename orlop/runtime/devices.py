"""The steps of a launch that fill /dev."""

from __future__ import annotations

import os
import stat

from orlop.runtime import rootfs
from orlop.runtime.state import Setup

_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


def make_device(
    setup: Setup, path: str, kind: str, number: tuple[int, int], mode: int, owner: tuple[int, int]
) -> None:
    """mknod below a parent that was resolved inside the root; what exists already stays."""
    parent_path, name = rootfs.split(path)
    parent = rootfs.make_directory(setup.root, parent_path)
    try:
        os.mknod(name, _KINDS[kind] | mode, os.makedev(*number), dir_fd=parent)
        if owner != (0, 0):
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(parent)


def make_symlink(setup: Setup, text: str, path: str, needs: str) -> None:
    """A link of /dev, such as fd -> /proc/self/fd; only where the host has `needs`."""
    if needs and not os.path.exists(needs):
        return
    parent_path, name = rootfs.split(path)
    parent = rootfs.make_directory(setup.root, parent_path)
    try:
        os.symlink(text, name, dir_fd=parent)
    except FileExistsError:
        pass
    finally:
        os.close(parent)
