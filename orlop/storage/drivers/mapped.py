"""A directory through an idmapped mount: the IDs on disk shown as those of a user namespace."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orlop.errors import SystemFailure
from orlop.kernel import mount
from orlop.storage.driver import Owners
from orlop.storage.drivers.backing import backing_filesystem

PREFIX = ".view-"


@contextmanager
def mapped(home: Path, owners: Owners) -> Iterator[str]:
    """Where `home` is to be found with the owners that the container has. Raises SystemFailure.

    On a path, not by descriptor only: before Linux 6.15 overlay takes no layers of a detached
    mount. What was mounted over it keeps its view.
    """
    where = tempfile.mkdtemp(prefix=PREFIX, dir=home)
    try:
        try:
            _attach(home, owners.namespace, where)
        except OSError as error:
            raise SystemFailure(
                f"user namespaces need idmapped mounts, which the filesystem of {home} "
                f"({backing_filesystem(home)}) or this kernel refuses: {error.strerror}; put "
                "--data-root on ext4, xfs or btrfs with Linux 5.19 or newer, or run the container "
                "with --userns=host"
            ) from error
        try:
            yield where
        finally:
            mount.umount(where, mount.MNT_DETACH)
    finally:
        os.rmdir(where)


def _attach(home: Path, namespace: int, where: str) -> None:
    view = mount.open_tree(-100, str(home))
    try:
        mount.mount_setattr(view, set=mount.ATTR_IDMAP, userns_fd=namespace)
        target = os.open(where, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            mount.move_mount(view, target, path=where)
        finally:
            os.close(target)
    finally:
        os.close(view)


def sweep(home: Path) -> None:
    """What a daemon that was killed in between left."""
    for entry in os.scandir(home):
        if entry.name.startswith(PREFIX):
            try:
                mount.umount(entry.path, mount.MNT_DETACH)
            except OSError:
                pass  # not mounted
            os.rmdir(entry.path)
