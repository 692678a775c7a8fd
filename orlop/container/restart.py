"""Stop (if running) and start again."""

from __future__ import annotations

from orlop.container import start, stop
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import InvalidArgument, NotModified, OrlopError, SystemFailure


def restart(
    containers: Containers, ref: str, *, timeout: int | None = None, signal: str | None = None
) -> None:
    """An AutoRemove container survives it, as in Docker."""
    containers.check_open()
    container = containers.get(ref)
    try:
        _stop(containers, container, timeout, signal)
        try:
            start.start(containers, container.id)
        except NotModified:
            pass  # its policy was faster
    except InvalidArgument as error:
        text = f"Cannot restart container {ref}: {error.message}"
        if "invalid signal" in error.message:
            raise SystemFailure(text) from None
        raise InvalidArgument(text) from error
    except OrlopError as error:
        raise type(error)(f"Cannot restart container {ref}: {error.message}") from error
    containers.publish(container, "restart")


def _stop(
    containers: Containers, container: Container, timeout: int | None, signal: str | None
) -> None:
    """It is kept until its end is dealt with, and no longer: the next life may end at once."""
    with container.lock:
        if not container.state.running:
            return  # not even the signal's name is looked at
        container.restarts_under_way += 1
    try:
        stop.ended(containers, container, timeout=timeout, signal=signal)
    finally:
        with container.lock:  # whoever told us of the end holds it to the end of that
            container.restarts_under_way -= 1
