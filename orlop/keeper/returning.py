"""Take a process back from a daemon, when keeper and scribe died together."""

from __future__ import annotations

from orlop.keeper import reap
from orlop.keeper.failure import Refused
from orlop.keeper.stdio import reopen_stdio
from orlop.keeper.task import RUNNING, Task
from orlop.scribe import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.keeper.keeper import Keeper


def return_task(keeper: Keeper, frame: dict[str, Any], fds: list[int]) -> None:
    """`fds`: its pidfd. Its FIFOs are opened by path; a terminal is gone with its master."""
    key = (frame["id"], frame["exec_id"])
    if key in keeper.tasks or len(fds) != 1:
        frames.close_all(fds)
        raise Refused("Conflict", f"task {key[0]} cannot be taken back")
    details = {name: frame[name] for name in ("tty", "log", "cgroups")}
    task = Task(*key, details)
    task.pid = frame["pid"]
    task.started_ns = frame["started_ns"]
    task.state = RUNNING
    task.ours = False
    held = reopen_stdio(f"{keeper.exec_root}/containers/{task.id}", task.exec_id)
    task.fds = {"p": fds[0], **held}
    keeper.tasks[key] = task
    keeper.give_slots(task)
    keeper.scribe.send({"op": "add", "info": task.info()}, list(task.fds.values()))
    reap.watch(keeper, task)
