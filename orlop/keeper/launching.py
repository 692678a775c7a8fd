"""The keeper's calls into `runtime`, which clone and return at once, and into the network."""

from __future__ import annotations

from orlop.kernel import netlink  # here, so that no child has to import it
from orlop.runtime import exec as execs
from orlop.runtime import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.pending import Pending


def begin_container(plan: dict[str, Any], stdio: list[int], joins: dict[str, int]) -> Pending:
    if "foreign" in plan:
        return _begin_foreign(plan, stdio, joins)
    stdin, stdout, stderr = stdio
    return launch.begin(plan, stdin, stdout, stderr, joins)


def begin_exec(plan: dict[str, Any], pid: int, pidfd: int, stdio: list[int]) -> Pending:
    if "foreign" in plan:
        return _begin_foreign(plan, stdio, {})
    return execs.begin(plan, pid, pidfd, stdio)


def _begin_foreign(plan: dict[str, Any], stdio: list[int], joins: dict[str, int]) -> Pending:
    from orlop.runtime import foreign  # few hosts have one

    return foreign.begin(plan, stdio, joins)


def run_ops(operations: list[Any], pid: int = 0, netns: int | None = None) -> None:
    netlink.run_ops(operations, pid, netns)


CALLS = (begin_container, begin_exec, run_ops)
