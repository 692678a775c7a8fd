"""Wait for a container to end or to be removed."""

from __future__ import annotations

from concurrent.futures import Future

from orlop.container.containers import Containers
from orlop.container.model import Container, Exit, Waiter
from orlop.errors import InvalidArgument

CONDITIONS = ("", "not-running", "next-exit", "removed")


def wait(containers: Containers, ref: str, condition: str = "") -> Future[Exit]:
    """A future of (exit code, error text). Cancel it when the client goes away."""
    if condition not in CONDITIONS:
        raise InvalidArgument(f'invalid condition: "{condition}"')
    container = containers.get(ref)
    with container.lock:
        state = container.state
        if condition in ("", "not-running") and not state.running:
            done: Future[Exit] = Future()
            done.set_result((state.exit_code, state.error))
            return done
        return subscribe(container, condition or "not-running")


def subscribe(container: Container, condition: str) -> Future[Exit]:
    """Register; the caller holds the lock if it must not miss what happens next."""
    waiter = Waiter(condition)
    with container.lock:
        if container.gone is not None:
            waiter.future.set_result(container.gone)
            return waiter.future
        container.waiters.append(waiter)

    def dropped(future: Future[Exit]) -> None:
        if future.cancelled():
            with container.lock:
                container.waiters = [w for w in container.waiters if w is not waiter]

    waiter.future.add_done_callback(dropped)
    return waiter.future
