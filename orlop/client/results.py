"""What calls of the library give back, and the failure of a process in a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orlop.errors import OrlopError


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that has ended, as `subprocess.CompletedProcess`."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    container_id: str

    @property
    def output(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8", "replace")


class ProcessFailed(OrlopError):
    """A process ended with another exit code than 0; `completed` has what it wrote."""

    def __init__(self, command: str, completed: Completed) -> None:
        errors = completed.stderr.decode("utf-8", "replace").strip()
        super().__init__(
            f"{command}: exit code {completed.exit_code}" + (f": {errors}" if errors else "")
        )
        self.completed = completed


class TimedOut(OrlopError):
    """A process did not end in time and was killed."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `docker events`."""

    type: str  # container, image, network, volume, daemon
    action: str  # start, die, pull, …
    id: str
    attributes: Mapping[str, str]
    time_ns: int
    attrs: Mapping[str, Any] = field(repr=False)  # the message as it came

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Event:
        actor = message.get("Actor") or {}
        return cls(
            str(message.get("Type", "")),
            str(message.get("Action", "")),
            str(actor.get("ID", "")),
            actor.get("Attributes") or {},
            int(message.get("timeNano", 0)),
            message,
        )


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune removed, and the bytes that are free again."""

    removed: tuple[str, ...]
    space: int

    @classmethod
    def of(cls, answer: Mapping[str, Any], key: str) -> Pruned:
        removed = answer.get(key) or ()
        names = (
            str(one.get("Deleted") or one.get("Untagged")) if isinstance(one, dict) else str(one)
            for one in removed
        )
        return cls(tuple(names), int(answer.get("SpaceReclaimed") or 0))
