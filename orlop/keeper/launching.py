"""The keeper's two calls into `runtime`, which clone and return at once."""

from __future__ import annotations

from orlop.runtime import exec as execs
from orlop.runtime import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.pending import Pending


def begin_container(plan: dict[str, Any], stdio: list[int], pidfds: dict[str, int]) -> Pending:
    return launch.begin(plan, *stdio, joins=pidfds)


def begin_exec(plan: dict[str, Any], pid: int, pidfd: int, stdio: list[int]) -> Pending:
    return execs.begin(plan, pid, pidfd, stdio)
