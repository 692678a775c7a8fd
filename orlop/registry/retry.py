"""Try small requests again when the failure is of the passing kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from orlop.registry.failure import RegistryFailure

_T = TypeVar("_T")
_MAX_WAIT = 60.0


def retrying(
    call: Callable[[], _T],
    *,
    cancel: Event | None = None,
    attempts: int = 3,
    first: float = 0.2,
    again: Callable[[RegistryFailure], bool] = lambda failure: failure.temporary,
) -> _T:
    """The result of `call`; waits as the registry asks (Retry-After, up to a minute)."""
    pause = first
    while True:
        attempts -= 1
        try:
            return call()
        except RegistryFailure as failure:
            wait = pause if failure.retry_after is None else failure.retry_after
            if not again(failure) or attempts <= 0 or wait > _MAX_WAIT:
                raise
            if cancel is None:
                time.sleep(wait)
            elif cancel.wait(wait):
                raise
        pause *= 3
