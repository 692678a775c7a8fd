"""Begin a process inside a running container.

    begin(plan, target_pid, target_pidfd, fds) -> Pending

A helper joins the namespaces; its sibling (our own child, so that we can reap it) becomes the
process, and the helper leaves. Both are not dumpable before they enter: nothing inside can trace
or inspect them.
"""

from __future__ import annotations

import os

from orlop.kernel import namespace
from orlop.runtime import host, init, process, sync, terminal
from orlop.runtime.pending import Pending
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


def begin(plan: dict[str, Any], target_pid: int, target_pidfd: int, fds: Sequence[int]) -> Pending:
    """`plan`: of `plan.make_exec_plan`; `fds`: stdin, stdout, stderr, which stay the caller's.

    Raises OSError when no process could be made.
    """
    ours, theirs = sync.pair()
    stdio = (fds[0], fds[1], fds[2])
    try:
        pid, pidfd = namespace.clone(0)
        if pid == 0:
            _join(plan, target_pidfd, Setup(theirs, {"target": target_pidfd}), stdio)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Pending(ours, pid, pidfd)


def _join(plan: dict[str, Any], target: int, setup: Setup, stdio: tuple[int, int, int]) -> NoReturn:
    """The helper: enter, make the sibling, leave."""
    stage = "birth"
    try:
        init.leave_engine(setup.fds(), stdio)
        setup.host_proc()
        stage = "attach"
        host.attach_cgroups(setup, plan["cgroup_directories"], None)
        stage = "setns"
        namespace.setns(target, plan["namespaces"])
        stage = "clone"
        pid, pidfd = namespace.clone(namespace.CLONE_PARENT)
        if pid == 0:
            _run(plan, setup)
        sync.send(setup.socket, (sync.PROCESS, pid, "", ""), pidfd)
    except BaseException as error:
        init.report(setup.socket, stage, error)
        os._exit(1)
    os._exit(0)


def _run(plan: dict[str, Any], setup: Setup) -> NoReturn:
    """The process itself, from its birth in the container to execve."""
    stage = "birth"
    try:
        os.chdir("/")
        if plan["oom_score"] is not None:
            stage = "oom"
            host.set_oom_score(setup, plan["oom_score"])
        if plan["apparmor"]:
            stage = "apparmor"
            host.set_apparmor(setup, plan["apparmor"])
        os.close(setup.proc)
        if plan["terminal"]:
            stage = "terminal"
            _take_terminal(plan, setup)
        else:
            os.setsid()
        stage = "process"
        init.become(plan["process"], setup)
    except BaseException as error:
        init.report(setup.socket, stage, error)
    finally:
        os._exit(1)


def _take_terminal(plan: dict[str, Any], setup: Setup) -> None:
    """A pty of the container's own devpts."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        terminals = os.open("/dev/pts", flags)
    except OSError as error:
        raise process.Failure("terminal", error.errno or 0, "/dev/pts", "no terminals") from None
    slave = terminal.open_slave(setup.socket, terminals, plan["process"]["uid"], plan["size"])
    os.close(terminals)
    terminal.take_over(slave)
