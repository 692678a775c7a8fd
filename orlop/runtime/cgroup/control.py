"""Act on a container's control groups from outside: freeze, kill, list, count, remove."""

from __future__ import annotations

import errno
import os
import time

from orlop.runtime.cgroup.create import write_values
from orlop.runtime.cgroup.layout import Layout

Values = list[tuple[str, str]]
_SIGKILL = 9  # the signal module's import costs
_FREEZE_TRIES = 200
_PAUSE = 0.005  # seconds between looks at a freezer that has not settled
_REMOVE_TRIES = 50


def read(path: str) -> str:
    """The text of a file, "" when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def fields(path: str) -> dict[str, int]:
    """`name number` lines as a dict."""
    out: dict[str, int] = {}
    for line in read(path).splitlines():
        name, _, number = line.rpartition(" ")
        if name and number.isdigit():
            out[name] = int(number)
    return out


def directory(layout: Layout, relative: str, controller: str) -> str:
    """Where `controller` has the group: its v1 hierarchy, else the v2 tree."""
    top = layout.v1.get(controller, layout.unified)
    return f"{top}/{relative}"


def freeze(layout: Layout, relative: str, *, frozen: bool) -> None:
    """Stop or let go every process, and wait until it is so. Raises OSError."""
    if "freezer" in layout.v1:
        own = directory(layout, relative, "freezer")
        file, wanted, seen = "freezer.state", "FROZEN" if frozen else "THAWED", "freezer.state"
    else:
        own = f"{layout.unified}/{relative}"
        file, wanted, seen = "cgroup.freeze", "1" if frozen else "0", "cgroup.events"
    for _ in range(_FREEZE_TRIES):
        write_values(own, [(file, wanted)])
        found = read(f"{own}/{seen}")
        if found.strip() == wanted or f"frozen {wanted}" in found:
            return
        time.sleep(_PAUSE)  # the kernel announces v1's freezer to nobody
    raise OSError(errno.EBUSY, "unable to freeze" if frozen else "unable to thaw", own)


def processes(layout: Layout, relative: str) -> set[int]:
    """Host PIDs in the group and below it."""
    found: set[int] = set()
    controller = "pids" if "pids" in layout.v1 else next(iter(layout.v1), "")
    own = directory(layout, relative, controller) if controller else f"{layout.unified}/{relative}"
    for here, _, files in os.walk(own):
        if "cgroup.procs" in files:
            found |= {int(line) for line in read(f"{here}/cgroup.procs").split()}
    return found


def kill(layout: Layout, relative: str) -> None:
    """SIGKILL to everything in the group."""
    if layout.unified and not layout.v1:
        try:
            write_values(f"{layout.unified}/{relative}", [("cgroup.kill", "1")])
            return
        except OSError:
            pass  # kernels before 5.14
    for pid in processes(layout, relative):
        try:
            os.kill(pid, _SIGKILL)
        except ProcessLookupError:
            pass


def oom_kills(layout: Layout, relative: str) -> int:
    """How many processes of the group the kernel killed for memory."""
    own = directory(layout, relative, "memory")
    if "memory" in layout.v1:
        return fields(f"{own}/memory.oom_control").get("oom_kill", 0)
    return fields(f"{own}/memory.events").get("oom_kill", 0)


def update(writes: list[tuple[str, Values]]) -> None:
    """Apply changed limits. Memory's two limits must be raised from the outside in."""
    for own, values in writes:
        try:
            write_values(own, values)
        except OSError as error:
            memory = [v for v in values if v[0].startswith("memory.") and "limit" in v[0]]
            if error.errno != errno.EINVAL or len(memory) < 2:
                raise
            others = [v for v in values if v not in memory]
            write_values(own, [*reversed(memory), *others])


def remove(layout: Layout, relative: str) -> None:
    """rmdir in every hierarchy, children first. What is still busy is tried again for a while."""
    for own in layout.directories(relative):
        for _ in range(_REMOVE_TRIES):
            try:
                _remove_tree(own)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                time.sleep(_PAUSE)  # the last exit is still being accounted
                continue
            break


def _remove_tree(own: str) -> None:
    try:
        os.rmdir(own)
        return  # as almost always: no look for groups in it
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
    for here, names, _ in os.walk(own, topdown=False):
        for name in names:
            os.rmdir(f"{here}/{name}")
    os.rmdir(own)
