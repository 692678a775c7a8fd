"""Send a signal to a container's process."""

from __future__ import annotations

from orlop.container import pause, signals
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.wait import subscribe
from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError

KILL = 9


def kill(containers: Containers, ref: str, signal: str = "") -> None:
    """Default SIGKILL, which is waited for. Raises InvalidArgument, Conflict when not running."""
    try:
        number = signals.parse(signal) if signal else KILL
        if number > signals.RTMAX:
            raise InvalidArgument(f"the linux daemon does not support signal {number}")
        container = containers.get(ref)
        with container.lock:
            if not container.state.running:
                raise Conflict(f"container {container.id} is not running")
            waiter = subscribe(container, "next-exit") if number == KILL else None
            if number == KILL and cancel_restart(container):
                return
            deliver(containers, container, number, by_user=True)
    except OrlopError as error:
        raise type(error)(f"cannot kill container: {ref}: {error.message}") from error
    if waiter is not None:
        try:
            waiter.result(10)
        except TimeoutError:
            pass  # in uninterruptible sleep: the signal stands


def deliver(containers: Containers, container: Container, number: int, *, by_user: bool) -> None:
    """Signal the process; the caller holds the lock.

    SIGKILL, and the container's own stop signal, mean that it shall end: the restart policy lets
    it lie and a frozen container is thawed, or the signal would wait for ever.
    """
    config = container.config
    stop_signal = signals.lookup(config.get("StopSignal") or "")
    ends = number == KILL or stop_signal is None or stop_signal == number
    if ends and by_user:
        with container.changing() as record:
            record["HasBeenManuallyStopped"] = True
    if not container.state.restarting:
        _send(containers, container, number)
    containers.publish(container, "kill", signal=str(number))
    if ends and container.state.paused:
        pause.thaw(containers, container)


def _send(containers: Containers, container: Container, number: int) -> None:
    try:
        containers.keeper.signal(container.id, "", number)
    except (NotFound, ProcessLookupError):
        pass  # ended: the exit event is under way


def cancel_restart(container: Container) -> bool:
    """A container between two lives by policy ends here; True if it was one. Lock held."""
    state = container.state
    if not (state.running and state.restarting):
        return False
    if container.cancel_restart is not None:
        container.cancel_restart()
        container.cancel_restart = None
    state.running = state.restarting = False
    with container.changing() as record:
        record["HasBeenManuallyStopped"] = True
    container.exited((state.exit_code, state.error))
    return True
