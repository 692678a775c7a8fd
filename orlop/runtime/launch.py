"""Begin a container: one clone3, then the child walks the plan.

    begin(plan, stdin, stdout, stderr, joins) -> Pending

For a single-threaded process only (the keeper). Never blocks on the child.
"""

from __future__ import annotations

import _socket
import os

from orlop.kernel import namespace
from orlop.kernel import pidfd as pidfds
from orlop.runtime import host, idmap, init, sync
from orlop.runtime.pending import Pending
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


def begin(
    plan: dict[str, Any],
    stdin: int,
    stdout: int,
    stderr: int,
    joins: dict[str, int] | None = None,
    *,
    gate: int = -1,
    preserved: Sequence[int] = (),
) -> Pending:
    """`plan`: of `plan.make_plan`. `joins`: pidfds by container ID for "container:ID" namespaces.

    `gate`, `preserved`: see Setup. The fds stay the caller's. Raises OSError when no process could
    be made.
    """
    known = joins or {}
    wanted = {id: known[id] for id in plan["joins"] if id in known}
    ours, theirs = sync.pair()
    setup = Setup(theirs, wanted)
    setup.gate = gate
    setup.preserved = list(preserved)
    stdio = (stdin, stdout, stderr)
    mapped = plan["user_namespace"]
    try:
        if mapped:
            init.run_steps(plan, setup, init.BEFORE)
        if mapped and plan["join_first"]:
            pid, pidfd = namespace.clone(0)
            if pid == 0:
                _relay(plan, setup, stdio)
            return Pending(ours, pid, pidfd, lambda pid: _adopt(plan, setup, ours, pid))
        pid, pidfd = _clone(plan, wanted)
        if pid == 0:
            init.run(plan, setup, stdio)
        pending = Pending(ours, pid, pidfd)
        if mapped:
            try:
                _adopt(plan, setup, ours, pid)
            except BaseException:
                pending.kill()
                os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
                raise
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        if not plan["join_first"]:
            _close(setup)
    return pending


def _close(setup: Setup) -> None:
    """Our copies of what the child took along."""
    for fds in (setup.sources, setup.owners):
        for fd in fds.values():
            os.close(fd)
        fds.clear()


def _adopt(plan: dict[str, Any], setup: Setup, sock: _socket.socket, pid: int) -> None:
    """The host's part for a child in a user namespace: its IDs, cgroups, oom score."""
    setup.pid = pid
    ranges = plan["user_namespace"]
    try:
        if ranges["new"]:
            idmap.write_mappings(pid, ranges["uids"], ranges["gids"])
        init.run_steps(plan, setup, init.AFTER)
    finally:
        _close(setup)
    sock.send(sync.MAPPED)


def _relay(plan: dict[str, Any], setup: Setup, stdio: tuple[int, int, int]) -> NoReturn:
    """Join the namespaces that are there, then make the container as our parent's child."""
    stage = "join"
    try:
        for flag, path in plan["join_first"]:
            host.join_namespace(setup, flag, path)
        if plan["join_pid"]:
            _enter_pid_namespace(plan["join_pid"], setup.joins)
        stage = "clone"
        made, pidfd = namespace.clone(plan["clone_flags"] | namespace.CLONE_PARENT)
        if made == 0:
            init.run(plan, setup, stdio)
        sync.send(setup.socket, (sync.PROCESS, pidfds.process_id(pidfd), "", ""), pidfd)
    except BaseException as error:
        init.report(setup.socket, stage, error)
        os._exit(1)
    os._exit(0)


def _clone(plan: dict[str, Any], joins: dict[str, int]) -> tuple[int, int]:
    """A PID namespace that is joined takes only children: so we enter it for the clone."""
    join = plan["join_pid"]
    if not join:
        return namespace.clone(plan["clone_flags"])
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter_pid_namespace(join, joins)
        made = -1, -1
        try:
            made = namespace.clone(plan["clone_flags"])
        finally:
            if made[0] != 0:  # the child may not go back up, and a raise would fork the keeper
                namespace.setns(own, namespace.CLONE_NEWPID)
        return made
    finally:
        os.close(own)


def _enter_pid_namespace(path: str, joins: dict[str, int]) -> None:
    kind, _, container = path.partition(":")
    if kind == "container" and container in joins:
        namespace.setns(joins[container], namespace.CLONE_NEWPID)
        return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespace.setns(fd, namespace.CLONE_NEWPID)
    finally:
        os.close(fd)
