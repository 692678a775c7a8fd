"""End every container for another engine to have them: their records say so, nothing else does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from orlop.container import stop
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict

_AT_ONCE = 16


def settle(containers: Containers, *, force: bool) -> None:
    """Raises Conflict when containers run and `force` is not set.

    Nobody *stopped* them: those with a restart policy come back with the next daemon.
    """
    running = [container for container in containers.all() if container.state.running]
    if running and not force:
        names = ", ".join(container.name for container in running[:5])
        raise Conflict(
            f"{len(running)} containers are running ({names}{', …' if len(running) > 5 else ''}): "
            "stop them, or use --force"
        )
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda container: _end(containers, container), running):
            pass
    containers.cleanup.drain()


def _end(containers: Containers, container: Container) -> None:
    by_user = bool(container.record.get("HasBeenManuallyStopped"))
    stop.ended(containers, container)
    with container.lock:
        if containers.find(container.id) is None:
            return  # --rm
        record = container.record
        record["HasBeenManuallyStopped"] = by_user
        container.save(record, durable=True)
