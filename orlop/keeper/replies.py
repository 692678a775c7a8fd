"""What a keeper answers: a value, or an error of a kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.keeper.link import Reply

Frame = dict[str, Any]

_KINDS: dict[str, type[OrlopError]] = {
    "NotFound": NotFound,
    "Conflict": Conflict,
    "InvalidArgument": InvalidArgument,
}


class LaunchFailed(SystemFailure):
    """The process could not be started: which step, errno (0: none), path ("": none), why."""

    def __init__(self, stage: str, number: int, path: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage
        self.errno = number
        self.path = path


def drop(reply: Frame, answers: Iterator[Reply]) -> None:
    """Of a snapshot that is not wanted."""
    for one, fds in answers if "ok" in reply else ():
        for fd in fds:
            os.close(fd)
        if one["pidfd"] is None:
            return


def value(reply: Frame, fds: list[int]) -> Any:
    """Raises an OrlopError: a kind, or LaunchFailed. No fd is kept."""
    for fd in fds:
        os.close(fd)
    error = reply.get("error")
    if error is None:
        return reply["ok"]
    kind, number, message = error
    if kind == "Launch":
        raise LaunchFailed(reply.get("stage", ""), number, reply.get("path", ""), message)
    raise _KINDS.get(kind, SystemFailure)(message)
