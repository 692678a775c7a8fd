"""The one mount the daemon makes itself for a container: /dev/shm of `--ipc shareable`.

It lives at `containers/<id>/mounts/shm`, where other containers bind it from.
"""

from __future__ import annotations

import os
from pathlib import Path

from orlop.container.model import Container
from orlop.kernel import mount


def mount_shm(container: Container, size: int, owner: tuple[int, int]) -> Path:
    """Idempotent; the path. `owner`: the container's root."""
    path = container.path("mounts") / "shm"
    path.mkdir(mode=0o700, exist_ok=True)
    if not os.path.ismount(path):
        flags = mount.MS_NOSUID | mount.MS_NODEV | mount.MS_NOEXEC
        mount.mount(
            "shm", str(path), "tmpfs", flags, f"mode=1777,size={size},uid={owner[0]},gid={owner[1]}"
        )
    return path


def unmount_shm(container: Container) -> None:
    _unmount(container.path("mounts") / "shm")


def unmount_below(directory: str) -> None:
    _unmount(Path(directory) / "mounts" / "shm")


def _unmount(path: Path) -> None:
    try:
        if os.path.ismount(path):
            mount.umount(str(path), mount.MNT_DETACH)
    except FileNotFoundError:
        pass
