"""What daemons may ask: one function for each operation of the protocol."""

from __future__ import annotations

import os

from orlop.keeper import VERSION, reap, release, spawn
from orlop.keeper.failure import Refused
from orlop.keeper.returning import return_task
from orlop.keeper.task import EXITED, Task
from orlop.kernel import pidfd as pidfds
from orlop.kernel import pty
from orlop.runtime import idmap
from orlop.scribe import frames
from orlop.scribe.poller import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orlop.keeper.keeper import Keeper
    from orlop.scribe.connection import Connection

    Frame = dict[str, Any]
    Answer = Callable[[Frame, list[int]], None]

_SIGKILL = 9
RELEASE = release()  # as it was when this code was loaded


def perform(
    keeper: Keeper, connection: Connection, frame: Frame, fds: list[int], answer: Answer
) -> Frame | None:
    """The reply; None when `answer` gets it later. Raises Refused and what a bad frame causes."""
    name = frame.get("op")
    if name == "spawn":
        spawn.spawn(keeper, connection, frame, fds, answer)
        return None
    if name == "exec":
        spawn.exec_(keeper, connection, frame, fds, answer)
        return None
    if name == "hold":
        keeper.hold(frame["id"], fds)
        return {"ok": None}
    if name == "adopt":
        return_task(keeper, frame, fds)
        return {"ok": None}
    frames.close_all(fds)
    if name == "hello":
        return _hello(keeper, frame, answer)
    if name == "user_namespace":
        _user_namespace(frame, answer)
        return None
    operation = _OPERATIONS.get(str(name))
    if operation is None:
        raise Refused("InvalidArgument", f"unknown operation {name!r}")
    return {"ok": operation(keeper, frame)}


def _hello(keeper: Keeper, frame: Frame, answer: Answer) -> Frame | None:
    """The snapshot; then one frame {"pidfd": key} with its fd for each task, for the daemon to
    hold, and last an empty one.
    """
    if frame.get("version") != VERSION:
        raise Refused("Conflict", f"keeper speaks version {VERSION} of the protocol")
    known = [task for task in keeper.tasks.values() if task.starting is None]
    answer(
        {
            "ok": {
                "pid": os.getpid(),
                "version": VERSION,
                "release": RELEASE,
                "scribe": keeper.scribe.pid,
                "tasks": [task.snapshot() for task in known],
                "holds": {id: len(held) for id, held in keeper.holds.items()},
            }
        },
        [],
    )
    for task in known:
        if task.pidfd >= 0:
            answer({"pidfd": task.key}, [task.pidfd])
    return {"pidfd": None}


def _find(keeper: Keeper, frame: Frame) -> Task:
    task = keeper.tasks.get((frame["id"], frame.get("exec_id") or ""))
    if task is None:
        raise Refused("NotFound", f"the keeper has no task {frame['id']}")
    return task


def _signal(keeper: Keeper, frame: Frame) -> None:
    task = _find(keeper, frame)
    signo = int(frame["signo"])
    if task.starting is not None:
        if signo == _SIGKILL:
            task.starting.pending.kill()
        return
    if task.state == EXITED:
        raise Refused("NotFound", "process already finished")
    try:
        if frame.get("all"):
            _signal_group(task, signo)
        pidfds.send_signal(task.pidfd, signo)
    except ProcessLookupError:
        raise Refused("NotFound", "process already finished") from None


def _signal_group(task: Task, signo: int) -> None:
    """Every process of its cgroup: with the host's PID namespace they outlive the first."""
    pids: set[int] = set()
    for directory in task.detail("cgroups"):
        try:
            with open(f"{directory}/cgroup.procs", encoding="ascii") as lines:
                pids.update(int(line) for line in lines)
        except (OSError, ValueError):
            continue
    pids.discard(task.pid)
    for pid in pids:
        try:
            other = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            if _still_in(pid, task):
                pidfds.send_signal(other, signo)
        except ProcessLookupError:
            pass
        finally:
            os.close(other)


def _still_in(pid: int, task: Task) -> bool:
    """Checked with its pidfd in hand: the pid was not reused by a process outside."""
    for directory in task.detail("cgroups"):
        try:
            with open(f"{directory}/cgroup.procs", encoding="ascii") as lines:
                if str(pid) in lines.read().split():
                    return True
        except OSError:
            continue
    return False


def _resize(keeper: Keeper, frame: Frame) -> None:
    task = _find(keeper, frame)
    rows, columns = int(frame["rows"]), int(frame["cols"])
    if task.starting is not None:
        task.starting.size = (rows, columns)
    elif "m" in task.fds and 0 <= rows < 65536 and 0 <= columns < 65536:
        pty.set_size(task.fds["m"], rows, columns)


def _close_stdin(keeper: Keeper, frame: Frame) -> None:
    task = _find(keeper, frame)
    task.close("i")
    keeper.scribe.send({"op": "close_stdin", "id": task.id, "exec_id": task.exec_id})


def _forget(keeper: Keeper, frame: Frame) -> None:
    """The daemon has recorded the exit: nothing is kept. A container takes its execs with it."""
    key = (frame["id"], frame.get("exec_id") or "")
    task = keeper.tasks.get(key)
    if task is None:
        return  # forgotten already
    if task.state != EXITED:
        raise Refused("Conflict", "the process runs")
    if not task.exec_id:
        for other in tuple(keeper.tasks.values()):
            if other.id == task.id and other.exec_id and other.state == EXITED:
                reap.drop(keeper, other)
        keeper.release(task.id)
    reap.drop(keeper, task)


def _release(keeper: Keeper, frame: Frame) -> None:
    keeper.release(frame["id"])


def _netops(keeper: Keeper, frame: Frame) -> None:
    """Network steps for a container that runs: on the host, then in its namespace."""
    task = _find(keeper, {"id": frame["id"]})
    if task.starting is not None or task.state == EXITED:
        raise Refused("Conflict", f"container {task.id} is not running")
    keeper.run_ops(frame.get("host_ops") or [], task.pid)
    inside = frame.get("container_ops")
    if inside:
        namespace = os.open(f"/proc/{task.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            keeper.run_ops(inside, netns=namespace)
        finally:
            os.close(namespace)


def _user_namespace(frame: Frame, answer: Answer) -> None:
    """One made only to carry mappings, with its fd: a daemon with threads cannot make it."""
    made = idmap.user_namespace(frame["uids"], frame["gids"])
    try:
        answer({"ok": None}, [made])
    finally:
        os.close(made)


def _reexec(keeper: Keeper, _frame: Frame) -> None:
    """Replace our program by what is installed now; done once no launch is under way."""

    def attempt() -> None:
        if any(task.starting is not None for task in keeper.tasks.values()):
            keeper.poller.after(0.05, "reexec", attempt)
        elif keeper.reexec is not None:
            try:
                keeper.reexec()
            except OSError:
                report()

    keeper.poller.after(0.0, "reexec", attempt)  # once this request is answered


def _shutdown(keeper: Keeper, frame: Frame) -> None:
    """Nothing is lost: neither a process nor an exit that no daemon has recorded."""
    alive = [task for task in keeper.tasks.values() if task.state != EXITED]
    if keeper.tasks and not frame.get("force"):
        raise Refused("Conflict", f"{len(alive)} of {len(keeper.tasks)} processes run")
    for task in alive:
        if task.starting is not None:
            task.starting.pending.kill()
        else:
            pidfds.send_signal(task.pidfd, _SIGKILL)

    def attempt() -> None:
        if any(task.state != EXITED or not task.drained for task in keeper.tasks.values()):
            keeper.poller.after(0.05, "shutdown", attempt)
        else:
            keeper.scribe.send({"op": "shutdown"})
            keeper.stopping = True

    keeper.poller.after(0.0, "shutdown", attempt)


_OPERATIONS: dict[str, Callable[[Keeper, Frame], object]] = {
    "signal": _signal,
    "resize": _resize,
    "close_stdin": _close_stdin,
    "forget": _forget,
    "release": _release,
    "netops": _netops,
    "reexec": _reexec,
    "shutdown": _shutdown,
}
