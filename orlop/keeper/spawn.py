"""Start a container or an exec, without ever waiting for it.

begin (clone3) ─ host network ops ─ release ─ … error_fd … ─ running: tell scribe, answer
                                                           └ failed: answer why, reap later
"""

from __future__ import annotations

import os
from time import time_ns

from orlop.keeper import reap
from orlop.keeper.failure import Refused
from orlop.keeper.starting import Starting
from orlop.keeper.stdio import open_stdio, remove_stdio
from orlop.keeper.task import RUNNING, Task
from orlop.kernel import pty
from orlop.scribe import frames
from orlop.scribe.poller import ERROR, HANGUP, READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orlop.keeper.keeper import Keeper
    from orlop.scribe.connection import Connection

    Frame = dict[str, Any]
    Answer = Callable[[Frame, list[int]], None]


def spawn(
    keeper: Keeper, connection: Connection, frame: Frame, fds: list[int], answer: Answer
) -> None:
    """A container. `fds`: bound sockets of its published ports, to be held."""
    id = frame["id"]
    key = (id, "")
    if key in keeper.tasks:
        frames.close_all(fds)
        raise Refused("Conflict", f"container {id} is already known to the keeper")
    if fds:
        keeper.hold(id, fds)
    plan = frame["plan"]
    joins = keeper.pidfds(plan.get("joins") or ())
    task = Task(id, "", _details(plan, frame["stdio"], frame.get("log")))
    try:
        pending = _begin(
            keeper, task, frame, lambda stdio: keeper.begin_container(plan, stdio, joins)
        )
        pending_started(keeper, task, pending, connection, frame, answer)
    except BaseException:
        keeper.release(id)
        raise


def exec_(
    keeper: Keeper, connection: Connection, frame: Frame, fds: list[int], answer: Answer
) -> None:
    """A process in a running container."""
    frames.close_all(fds)
    id, exec_id = frame["id"], frame["exec_id"]
    target = keeper.tasks.get((id, ""))
    if target is None or target.state != RUNNING:
        raise Refused("Conflict", f"container {id} is not running")
    if not exec_id or (id, exec_id) in keeper.tasks:
        raise Refused("Conflict", f"exec {exec_id} is already known to the keeper")
    plan = frame["plan"]
    task = Task(id, exec_id, _details(plan, frame["stdio"], None))
    pending = _begin(
        keeper,
        task,
        frame,
        lambda stdio: keeper.begin_exec(plan, target.pid, target.pidfd, stdio),
    )
    pending_started(keeper, task, pending, connection, frame, answer)


def _details(plan: Frame, stdio: Frame, log: Frame | None) -> Frame:
    return {
        "tty": bool(stdio.get("tty")),
        "log": log,
        "cgroups": plan.get("cgroup_directories") or [],
    }


def _begin(keeper: Keeper, task: Task, frame: Frame, launch: Callable[[list[int]], Any]) -> Any:
    """Open the stdio and clone; (pending, stdio)."""
    directory = f"{keeper.exec_root}/containers/{task.id}"
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        stdio = open_stdio(directory, task.exec_id, frame["stdio"], _owner(frame["plan"]))
    except OSError as error:
        raise Refused("SystemFailure", f"stdio: {error}", error.errno or 0) from None
    try:
        pending = launch(stdio.process)
    except OSError as error:
        stdio.close()
        remove_stdio(directory, task.exec_id)
        raise Refused("Launch", str(error), error.errno or 0, stage="begin") from None
    except BaseException:
        stdio.close()
        remove_stdio(directory, task.exec_id)
        raise
    stdio.close_process()
    return pending, stdio


def _owner(plan: Frame) -> tuple[int, int]:
    """The process's user and group, as the host sees them."""
    process = plan["process"]
    user_namespace = plan.get("user_namespace") or {}
    maps = user_namespace if isinstance(user_namespace, dict) else {}
    return _mapped(process["uid"], maps.get("uids")), _mapped(process["gid"], maps.get("gids"))


def _mapped(number: int, ranges: list[tuple[int, int, int]] | None) -> int:
    for inside, outside, count in ranges or ():
        if inside <= number < inside + count:
            return outside + number - inside
    return number


def pending_started(
    keeper: Keeper, task: Task, begun: Any, connection: Connection, frame: Frame, answer: Answer
) -> None:
    pending, stdio = begun
    options = frame["stdio"]
    size = (int(options.get("rows") or 0), int(options.get("cols") or 0))
    operations = frame.get("host_ops") or []
    task.starting = Starting(pending, stdio, connection, answer, size, operations)
    keeper.tasks[task.key] = task
    keeper.poller.add(
        pending.error_fd, READ | HANGUP | ERROR, lambda _events: progress(keeper, task)
    )
    _let_go(keeper, task, task.starting)


def _let_go(keeper: Keeper, task: Task, starting: Starting) -> None:
    """Make its network and say so, once it is there to get one."""
    pending = starting.pending
    if not starting.held or not pending.born:
        return
    starting.held = False
    try:
        if starting.operations:
            keeper.run_ops(starting.operations, pending.pid)
        pending.release()
    except OSError as error:
        # A child that is gone has left its reason on the socket, which `progress` finds.
        if not isinstance(error, BrokenPipeError | ConnectionResetError):
            pending.kill()
            failure = ("network", error.errno or 0, str(error.filename or ""), str(error))
            _failed(keeper, task, failure)


def progress(keeper: Keeper, task: Task) -> None:
    """Something came from the child that is being set up."""
    starting = task.starting
    if starting is None:
        return
    state = starting.pending.receive()
    if state == "running":
        _running(keeper, task, starting)
    elif state == "failed":
        failure = starting.pending.failure or ("process", 0, "", "the process died in its set-up")
        _failed(keeper, task, failure)
    else:
        _let_go(keeper, task, starting)


def _running(keeper: Keeper, task: Task, starting: Starting) -> None:
    pending = starting.pending
    keeper.poller.remove(pending.error_fd)
    task.starting = None
    task.started_ns = time_ns()
    task.state = RUNNING
    task.pid = pending.pid
    task.fds = {"p": pending.pidfd, **starting.stdio.held}
    if pending.master is not None:
        os.set_blocking(pending.master, False)
        task.fds["m"] = pending.master
        if all(starting.size):
            pty.set_size(pending.master, *starting.size)
    pending.close()
    keeper.give_slots(task)
    keeper.scribe.send({"op": "add", "info": task.info()}, list(task.fds.values()))
    reap.watch(keeper, task)
    answer: Frame = {"pid": task.pid, "started_ns": task.started_ns}
    if pending.notes:
        answer["notes"] = pending.notes
    starting.answer({"ok": answer}, [task.pidfd])


def _failed(keeper: Keeper, task: Task, failure: tuple[str, int, str, str]) -> None:
    starting = task.starting
    assert starting is not None
    pending = starting.pending
    keeper.poller.remove(pending.error_fd)
    task.starting = None
    del keeper.tasks[task.key]
    starting.stdio.close()
    if pending.master is not None:
        os.close(pending.master)
    reap.abandon(keeper, pending)
    remove_stdio(f"{keeper.exec_root}/containers/{task.id}", task.exec_id)
    if not task.exec_id:
        keeper.release(task.id)
    stage, number, path, message = failure
    starting.answer({"error": ("Launch", number, message), "stage": stage, "path": path}, [])
