"""Stop: the stop signal, a time to react, then SIGKILL."""

from __future__ import annotations

from concurrent.futures import Future

from orlop.container import kill, signals
from orlop.container.containers import Containers
from orlop.container.model import Container, Exit
from orlop.container.wait import subscribe
from orlop.errors import Conflict, InvalidArgument, NotModified, OrlopError, SystemFailure

DEFAULT_TIMEOUT = 10
_AFTER_KILL = 10.0  # seconds for the kernel to end what got SIGKILL


def stop(
    containers: Containers, ref: str, *, timeout: int | None = None, signal: str | None = None
) -> None:
    """`timeout` in seconds, -1 for ever. Raises NotModified when it does not run."""
    container = containers.get(ref)
    if not container.state.running:
        raise NotModified("")
    try:
        ended(containers, container, timeout=timeout, signal=signal)
    except InvalidArgument as error:
        raise SystemFailure(f"cannot stop container: {ref}: {error.message}") from None
    except OrlopError as error:
        raise type(error)(f"cannot stop container: {ref}: {error.message}") from error


def ended(
    containers: Containers,
    container: Container,
    *,
    timeout: int | None = None,
    signal: str | None = None,
) -> None:
    """Return once the container has ended (at once if it had). The lock must not be held."""
    config = container.config
    number = signals.parse(signal or config.get("StopSignal") or "SIGTERM")
    seconds = config.get("StopTimeout") if timeout is None else timeout
    limit = DEFAULT_TIMEOUT if seconds is None else seconds
    with container.lock:
        if not container.state.running:
            return
        waiter = subscribe(container, "next-exit")
        if kill.cancel_restart(container):
            containers.publish(container, "stop")
            return
        kill.deliver(containers, container, number, by_user=True)
    deadline = None if limit < 0 else limit
    try:
        waiter.result(deadline)
    except TimeoutError:
        _force(containers, container, waiter)
    containers.publish(container, "stop")


def _force(containers: Containers, container: Container, waiter: Future[Exit]) -> None:
    try:
        with container.lock:
            if container.state.running:
                kill.deliver(containers, container, 9, by_user=True)
    except Conflict:
        pass  # it ended in between
    try:
        waiter.result(_AFTER_KILL)
    except TimeoutError:
        raise SystemFailure("tried to kill container, but did not receive an exit event") from None
