"""How a process ended: reaped by pidfd, or asked of the kernel when another reaped it.

dead ─ reap ─ scribe reads what it wrote ─ drained ─ tell the daemons
"""

from __future__ import annotations

import os
from time import time_ns

from orlop.keeper.stdio import remove_stdio
from orlop.keeper.task import EXITED, Task
from orlop.kernel import pidfd as pidfds
from orlop.scribe.poller import EDGE, HANGUP, READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.keeper.keeper import Keeper
    from orlop.runtime.pending import Pending

_UNSEEN = 10.0  # seconds a death may wait for its status (a slow PID 1 reaps it)
_UNDRAINED = 10.0  # seconds the scribe may take (its disk hangs)


def watch(keeper: Keeper, task: Task) -> None:
    """Be told when it ends."""
    if task.ours:
        keeper.poller.add(task.pidfd, READ, lambda _events: _ended(keeper, task))
    else:  # one edge when it dies, one when it is reaped
        keeper.poller.add(
            task.pidfd, READ | HANGUP | EDGE, lambda _events: _ended_elsewhere(keeper, task)
        )


def _ended(keeper: Keeper, task: Task) -> None:
    try:
        status = pidfds.wait(task.pidfd)
        if status is None:
            return
    except ChildProcessError:
        status = None
    exited(keeper, task, status)


def _ended_elsewhere(keeper: Keeper, task: Task) -> None:
    """It was another keeper's child: the kernel keeps the status from its reaping on (6.15)."""
    if task.state == EXITED:
        return
    try:
        status = pidfds.exit_status(task.pidfd)
    except ProcessLookupError:
        exited(keeper, task, None)
        return
    except OSError:
        exited(keeper, task, None)  # an older kernel does not tell
        return
    if status is not None:
        exited(keeper, task, status)
        return
    task.exited_ns = task.exited_ns or time_ns()
    keeper.poller.after(_UNSEEN, ("unseen", task.key), lambda: exited(keeper, task, None))


def exited(keeper: Keeper, task: Task, status: int | None) -> None:
    if task.state == EXITED:
        return
    keeper.poller.cancel(("unseen", task.key))
    keeper.poller.remove(task.pidfd)
    task.state = EXITED
    task.status = status
    task.exited_ns = task.exited_ns or time_ns()
    if status is None:
        task.error = "the exit status was lost: nobody saw the process end"
    frame = {"op": "exited", "id": task.id, "exec_id": task.exec_id, "exited_ns": task.exited_ns}
    keeper.scribe.send(frame)
    if task.drained:  # a scribe without keeper read it all before
        announce(keeper, task)
    else:
        wait_drained(keeper, task)


def wait_drained(keeper: Keeper, task: Task) -> None:
    keeper.poller.after(_UNDRAINED, ("undrained", task.key), lambda: drained(keeper, task))


def drained(keeper: Keeper, task: Task) -> None:
    """All it wrote is in its log: now the daemons may know."""
    if task.drained:
        return
    task.drained = True
    keeper.poller.cancel(("undrained", task.key))
    task.close("oeim")
    keeper.free_slots(task)
    if task.state == EXITED:
        announce(keeper, task)


def announce(keeper: Keeper, task: Task) -> None:
    if not task.exec_id:
        for other in tuple(keeper.tasks.values()):
            if other.id == task.id and other.starting is not None:
                other.starting.pending.kill()
    keeper.push(
        {
            "event": "exit",
            "id": task.id,
            "exec_id": task.exec_id,
            "status": task.status,
            "exited_ns": task.exited_ns,
        }
    )
    if task.exec_id and (task.id, "") not in keeper.tasks:
        drop(keeper, task)  # its container was forgotten before it: nobody will ask


def drop(keeper: Keeper, task: Task) -> None:
    """Keep nothing of a process that ended."""
    del keeper.tasks[task.key]
    for timer in ("undrained", "unseen"):
        keeper.poller.cancel((timer, task.key))
    keeper.scribe.send({"op": "remove", "id": task.id, "exec_id": task.exec_id})
    keeper.free_slots(task)
    task.close("poeim")
    remove_stdio(f"{keeper.exec_root}/containers/{task.id}", task.exec_id)


def abandon(keeper: Keeper, pending: Pending) -> None:
    """Reap a launch that failed, once it is gone."""
    pidfd = pending.pidfd
    pending.kill()
    pending.close()

    def gone(_events: int) -> None:
        keeper.poller.remove(pidfd)
        try:
            pidfds.wait(pidfd)
        except ChildProcessError:
            pass
        os.close(pidfd)

    keeper.poller.add(pidfd, READ, gone)
