"""Freeze and thaw all processes of a container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orlop.container import cgroups, health
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict, SystemFailure


def pause(containers: Containers, ref: str) -> None:
    container = containers.get(ref)
    with container.lock:
        state = container.state
        if not state.running:
            raise Conflict(f"container {container.id} is not running")
        if state.paused:
            raise Conflict(f"Container {container.id} is already paused")
        if state.restarting:
            raise Conflict(
                f"Container {container.id} is restarting, wait until the container is running"
            )
        cgroups.freeze(containers, container.id, container.host_config, frozen=True)
        state.paused = True
        health.ended(container)
        container.save()
        containers.publish(container, "pause")


def unpause(containers: Containers, ref: str) -> None:
    container = containers.get(ref)
    with container.lock:
        if not container.state.paused:
            raise SystemFailure(f"Container {container.id} is not paused")
        thaw(containers, container)


def thaw(containers: Containers, container: Container) -> None:
    """The caller holds the lock and knows that it is paused."""
    cgroups.freeze(containers, container.id, container.host_config, frozen=False)
    container.state.paused = False
    container.save()
    containers.publish(container, "unpause")
    health.schedule(containers, container)


@contextmanager
def frozen(containers: Containers, container: Container) -> Iterator[None]:
    """Hold a running container still without calling it paused: commit reads its layer."""
    with container.lock:
        still = container.state.running and not container.state.paused and cgroups.available()
        if still:
            cgroups.freeze(containers, container.id, container.host_config, frozen=True)
            containers.publish(container, "pause")
        try:
            yield
        finally:
            if still:
                cgroups.freeze(containers, container.id, container.host_config, frozen=False)
                containers.publish(container, "unpause")
