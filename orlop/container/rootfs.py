"""The mounted root of a container, shared by everyone who needs it.

A running container is one user of its mount; create's copy-up, cp, export and the like are others.
The last one to leave has it unmounted by the cleanup thread, since umount(2) syncs the whole file
system when there is dirty data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orlop.container.containers import Containers
from orlop.container.model import Container


def enter(containers: Containers, container: Container) -> str:
    """Mount if need be; the merged path on the host."""
    with container.lock:
        path = containers.layers.mount(container.id)
        container.rootfs_users += 1
        return path


def leave(containers: Containers, container: Container) -> None:
    with container.lock:
        container.rootfs_users = max(0, container.rootfs_users - 1)
        if container.rootfs_users:
            return

    def unmount() -> None:
        with container.lock:
            idle = container.rootfs_users == 0 and not container.state.running
            if idle and containers.find(container.id) is container:
                containers.layers.unmount(container.id)

    containers.cleanup.add(f"mount of {container.id[:12]}", unmount)


@contextmanager
def mounted(containers: Containers, container: Container) -> Iterator[str]:
    """`with mounted(containers, container) as path:` for cp, diff, export of any container."""
    path = enter(containers, container)
    try:
        yield path
    finally:
        leave(containers, container)


def linger(containers: Containers, container: Container, seconds: float) -> str:
    """Enter and leave after a while: create mounts for a start that most likely follows."""
    path = enter(containers, container)
    containers.timers.after(seconds, lambda: leave(containers, container))
    return path
