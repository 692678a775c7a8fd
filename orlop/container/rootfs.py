"""The mounted root of a container, shared by everyone who needs it.

A running container is one user of its mount; create's copy-up, cp, export and the like are others.
The last one to leave has it unmounted by the cleanup thread, since umount(2) syncs the whole file
system when there is dirty data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orlop.container import userns
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict
from orlop.oci.idmap import IDMap


def enter(containers: Containers, container: Container) -> str:
    """Mount if need be; the merged path on the host. `rootfs_map` says whose IDs it shows."""
    with container.lock:
        if not container.rootfs_users and container.rootfs_map is not None:
            _unmount(containers, container)  # what a mapped container left behind
        path = containers.layers.mount(container.id)
        container.rootfs_users += 1
        return path


def enter_to_run(containers: Containers, container: Container, shown: IDMap | None) -> str:
    """For a process with this mapping. Raises Conflict while others use it with another."""
    with container.lock:
        if container.rootfs_map != shown:
            if container.rootfs_users:
                raise Conflict(
                    f"container {container.id} cannot start while its files are being copied"
                )
            _unmount(containers, container)
        if shown is None:
            return enter(containers, container)
        with userns.owners(containers, shown) as owners:
            path = containers.layers.mount(container.id, owners)
        container.rootfs_map = shown
        container.rootfs_users += 1
        return path


def _unmount(containers: Containers, container: Container) -> None:
    containers.layers.unmount(container.id)
    container.rootfs_map = None


def leave(containers: Containers, container: Container) -> None:
    with container.lock:
        container.rootfs_users = max(0, container.rootfs_users - 1)
        if container.rootfs_users:
            return

    def unmount() -> None:
        with container.lock:
            idle = container.rootfs_users == 0 and not container.state.running
            if idle and containers.find(container.id) is container:
                _unmount(containers, container)

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
