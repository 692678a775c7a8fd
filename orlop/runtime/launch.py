"""Begin a container: one clone3, then the child walks the plan.

    begin(plan, stdin, stdout, stderr, joins) -> Pending

For a single-threaded process only (the keeper). Never blocks on the child.
"""

from __future__ import annotations

import os

from orlop.kernel import namespace
from orlop.runtime import init, sync
from orlop.runtime.pending import Pending
from orlop.runtime.state import Setup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def begin(
    plan: dict[str, Any],
    stdin: int,
    stdout: int,
    stderr: int,
    joins: dict[str, int] | None = None,
) -> Pending:
    """`plan`: of `plan.make_plan`. `joins`: pidfds by container ID for "container:ID" namespaces.

    The fds stay the caller's. Raises OSError when no process could be made.
    """
    pidfds = joins or {}
    wanted = {id: pidfds[id] for id in plan["joins"] if id in pidfds}
    ours, theirs = sync.pair()
    try:
        pid, pidfd = _clone(plan, wanted)
        if pid == 0:
            init.run(plan, Setup(theirs, wanted), (stdin, stdout, stderr))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Pending(ours, pid, pidfd)


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
