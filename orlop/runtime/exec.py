"""Begin a process inside a running container.

    begin(plan, target_pid, target_pidfd, fds) -> Pending

      keeper      helper (in no PID namespace of the container: nothing inside can see it)
      clone3 -->  host's part: cgroups, oom score, AppArmor, keyring; joins the namespaces;
                  terminal, limits, ids, capabilities, seccomp
                  clone(PARENT) --> sibling: visible inside, but holds by now no more than the
      <-- pidfd   leaves            container may: stdio and the socket; session, program, execve

Neither is dumpable, so only a container that was given CAP_SYS_PTRACE could trace the sibling,
and would find in it no right that it lacks itself. A seccomp profile that forbids fork turns the
order round: then the sibling restricts itself.
"""

from __future__ import annotations

import os

from orlop.kernel import namespace
from orlop.runtime import host, init, process, sync, terminal
from orlop.runtime.pending import Pending
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn


def begin(
    plan: dict[str, Any],
    target_pid: int,
    target_pidfd: int,
    fds: Sequence[int],
    preserved: Sequence[int] = (),
) -> Pending:
    """`plan`: of `plan.make_exec_plan`; `fds`: stdin, stdout, stderr, which stay the caller's,
    as do `preserved`, which the program gets under their numbers.

    Raises OSError when no process could be made.
    """
    ours, theirs = sync.pair()
    stdio = (fds[0], fds[1], fds[2])
    try:
        pid, pidfd = namespace.clone(0)
        if pid == 0:
            setup = Setup(theirs, {"target": target_pidfd})
            setup.preserved = list(preserved)
            _join(plan, target_pidfd, setup, stdio)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Pending(ours, pid, pidfd)


def _join(plan: dict[str, Any], target: int, setup: Setup, stdio: tuple[int, int, int]) -> NoReturn:
    """The helper: enter, give up what the container may not, make the sibling, leave."""
    stage = "birth"
    entered = False
    try:
        init.leave_engine(setup.fds(), stdio)
        for stage, step in _host_steps(plan):  # noqa: B007 (the handler tells it)
            step(setup)
        stage = "setns"
        namespace.setns(target, plan["namespaces"])
        if plan["user_namespace"]:
            init.become_root()
        os.close(target)
        if setup.proc >= 0:
            os.close(setup.proc)
        stage = "terminal"
        slave = _open_terminal(plan, setup) if plan["terminal"] else -1
        stage = "process"
        if plan["restrict_first"]:
            entered = init.become(plan["process"], setup)
        stage = "clone"
        pid, pidfd = namespace.clone_sibling()
        if pid == 0:
            _run(plan, setup, slave, entered)
        sync.send(setup.socket, (sync.PROCESS, pid, "", ""), pidfd)
    except BaseException as error:
        init.report(setup.socket, stage, error)
        os._exit(1)
    os._exit(0)


def _host_steps(plan: dict[str, Any]) -> list[tuple[str, Callable[[Setup], None]]]:
    """What needs the host's /proc and /sys; all of it is inherited by the sibling."""
    steps: list[tuple[str, Callable[[Setup], None]]] = []
    if plan["apparmor"]:
        steps.append(("apparmor", lambda setup: host.set_apparmor(setup, plan["apparmor"])))
    if plan["oom_score"] is not None:
        steps.append(("oom", lambda setup: host.set_oom_score(setup, plan["oom_score"])))
    if plan["keyring"]:
        steps.append(("keyring", lambda setup: host.join_keyring(setup, plan["keyring"], False)))
    directories = plan["cgroup_directories"]
    steps.append(("attach", lambda setup: host.attach_cgroups(setup, directories, None)))
    return steps


def _run(plan: dict[str, Any], setup: Setup, slave: int, entered: bool) -> NoReturn:
    """The process itself, from its birth in the container to execve."""
    stage = "terminal"
    try:
        if slave >= 0:
            terminal.take_over(slave)
        else:
            os.setsid()
        stage = "process"
        if not plan["restrict_first"]:
            entered = init.become(plan["process"], setup)
        init.execute(plan["process"], entered, setup)
    except BaseException as error:
        init.report(setup.socket, stage, error)
    finally:
        os._exit(1)


def _open_terminal(plan: dict[str, Any], setup: Setup) -> int:
    """A pty of the container's own devpts, as our stdio until the sibling takes it over."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        terminals = os.open("/dev/pts", flags)
    except OSError as error:
        raise process.Failure("terminal", error.errno or 0, "/dev/pts", "no terminals") from None
    slave = terminal.open_slave(setup.socket, terminals, plan["process"]["uid"], plan["size"])
    os.close(terminals)
    return slave
