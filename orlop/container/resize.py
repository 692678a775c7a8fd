"""Window sizes of a container's or an exec's terminal."""

from __future__ import annotations

from orlop.container.containers import Containers
from orlop.errors import Conflict, InvalidArgument

_LIMIT = 1 << 16  # the kernel's struct winsize has 16 bits


def resize(containers: Containers, ref: str, rows: int, columns: int) -> None:
    container = containers.get(ref)
    if not container.state.running:
        raise Conflict(f"container {container.id} is not running")
    _check(rows, columns)
    containers.keeper.resize(container.id, "", rows, columns)
    containers.publish(container, "resize", height=str(rows), width=str(columns))


def exec_resize(containers: Containers, exec_id: str, rows: int, columns: int) -> None:
    found = containers.execs.get(exec_id)
    if not found.running:
        raise Conflict(f"exec process {exec_id} is not running")
    _check(rows, columns)
    containers.keeper.resize(found.container_id, exec_id, rows, columns)


def _check(rows: int, columns: int) -> None:
    if not (0 <= rows < _LIMIT and 0 <= columns < _LIMIT):
        raise InvalidArgument("invalid terminal size")
