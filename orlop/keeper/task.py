"""One process as the keeper knows it."""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.keeper.starting import Starting

STARTING = "starting"
RUNNING = "running"
EXITED = "exited"


class Task:
    """`details`: what never changes (tty, log, uid), marshalled to stay small."""

    __slots__ = (
        "details",
        "drained",
        "error",
        "exec_id",
        "exited_ns",
        "fds",
        "id",
        "ours",
        "pid",
        "slots",
        "started_ns",
        "starting",
        "state",
        "status",
        "stdin_noted",
    )

    def __init__(self, id: str, exec_id: str, details: dict[str, Any]) -> None:
        self.id = id
        self.exec_id = exec_id
        self.details = marshal.dumps(details)
        self.pid = 0
        self.started_ns = 0
        self.state = STARTING
        self.status: int | None = None  # raw wait status; None also when nobody saw the end
        self.error = ""
        self.exited_ns = 0
        self.ours = True  # our child, to be reaped by us
        self.drained = False
        self.stdin_noted = False
        self.slots = (-1, -1)
        self.fds: dict[str, int] = {}  # as in scribe.task: p o e i m
        self.starting: Starting | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.id, self.exec_id

    @property
    def pidfd(self) -> int:
        return self.fds.get("p", -1)

    def detail(self, name: str) -> Any:
        return marshal.loads(self.details).get(name)

    def close(self, names: str) -> None:
        for name in names:
            fd = self.fds.pop(name, -1)
            if fd >= 0:
                os.close(fd)

    def info(self) -> dict[str, Any]:
        """For the scribe, which gives it back to our successor."""
        info: dict[str, Any] = marshal.loads(self.details)
        info.update(
            id=self.id,
            exec_id=self.exec_id,
            pid=self.pid,
            started_ns=self.started_ns,
            slots=self.slots,
            stdin_noted=self.stdin_noted,
            fds="".join(self.fds),
        )
        return info

    def snapshot(self) -> dict[str, Any]:
        """For daemons."""
        details = marshal.loads(self.details)
        return {
            "id": self.id,
            "exec_id": self.exec_id,
            "pid": self.pid,
            "started_ns": self.started_ns,
            "state": self.state if self.state != EXITED or self.drained else RUNNING,
            "status": self.status if self.drained else None,
            "exited_ns": self.exited_ns if self.drained else 0,
            "error": self.error,
            "tty": details["tty"],
            "log": details["log"],
            "cgroups": details["cgroups"],
        }


def from_info(info: dict[str, Any], fds: list[int]) -> Task:
    """The inverse of `Task.info`, for a task that another keeper started."""
    fixed = ("fds", "id", "exec_id", "pid", "started_ns", "slots", "stdin_noted")
    task = Task(info["id"], info["exec_id"], {k: v for k, v in info.items() if k not in fixed})
    task.pid = info["pid"]
    task.started_ns = info["started_ns"]
    task.slots = tuple(info["slots"])
    task.stdin_noted = bool(info.get("stdin_noted"))
    task.fds = dict(zip(info["fds"], fds))
    task.state = RUNNING
    task.ours = False
    return task
