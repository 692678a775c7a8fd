"""Stop (if running) and start again."""

from __future__ import annotations

from orlop.container import start, stop
from orlop.container.containers import Containers
from orlop.errors import InvalidArgument, NotModified, OrlopError, SystemFailure


def restart(
    containers: Containers, ref: str, *, timeout: int | None = None, signal: str | None = None
) -> None:
    """An AutoRemove container survives it, as in Docker."""
    containers.check_open()
    container = containers.get(ref)
    container.manually_restarted = True
    try:
        if container.state.running:
            stop.ended(containers, container, timeout=timeout, signal=signal)
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
    finally:
        container.manually_restarted = False
    containers.publish(container, "restart")
