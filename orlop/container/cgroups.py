"""The control group of a container, from the daemon's side."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import SystemFailure
from orlop.kernel.namespace import in_user_namespace
from orlop.runtime.cgroup import control
from orlop.runtime.cgroup import stats as counting
from orlop.runtime.cgroup.delegated import delegated
from orlop.runtime.cgroup.layout import Layout, detect, relative_path
from orlop.runtime.cgroup.plan import update_values

Json = dict[str, Any]


@lru_cache(maxsize=1)
def layout() -> Layout:
    """This host's hierarchies that we may make groups in; they do not change while we run."""
    found = detect()
    return delegated(found) if in_user_namespace() else found


def path(containers: Containers, id: str, host: Json) -> str:
    """What the spec's `linux.cgroupsPath` says: below the container's or the daemon's parent."""
    daemon = containers.config
    systemd = "native.cgroupdriver=systemd" in daemon.exec_opts
    parent = host.get("CgroupParent") or daemon.cgroup_parent
    if systemd:
        return f"{parent or 'orlop.slice'}:orlop:{id}"
    parts = [p for p in (parent or "/orlop").split("/") if p not in ("", ".", "..")]
    return "/" + "/".join([*parts, id])


def relative(containers: Containers, id: str, host: Json) -> str:
    return relative_path(path(containers, id, host), id)


def directories(containers: Containers, container: Container) -> list[str]:
    """The group in every hierarchy: what an exec enters."""
    return layout().directories(relative(containers, container.id, container.host_config))


def available() -> bool:
    """There are groups to put containers in."""
    return bool(layout().directories(""))


def freeze(containers: Containers, id: str, host: Json, *, frozen: bool) -> None:
    if not available():
        raise SystemFailure(
            "pausing needs control groups, and none are delegated to this user: log in through "
            "systemd on a host with cgroup v2, or run orlopd as root"
        )
    try:
        control.freeze(layout(), relative(containers, id, host), frozen=frozen)
    except OSError as error:
        raise SystemFailure(f"{error.strerror}: {error.filename}") from error


def processes(containers: Containers, id: str) -> set[int]:
    """Host PIDs of a container."""
    container = containers.get(id)
    host = container.host_config
    if not available():
        return _of_namespace(container.state.pid)
    return control.processes(layout(), relative(containers, id, host))


def _of_namespace(first: int) -> set[int]:
    """Without groups: who shares the PID namespace of the first process."""
    found = set()
    wanted = _pid_namespace(first)
    for name in os.listdir("/proc"):
        if name.isdigit() and wanted and _pid_namespace(int(name)) == wanted:
            found.add(int(name))
    return found


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def counters(containers: Containers, id: str) -> Json:
    host = containers.get(id).host_config
    return counting.counters(layout(), relative(containers, id, host))


def oom_killed(containers: Containers, id: str, host: Json) -> bool:
    return control.oom_kills(layout(), relative(containers, id, host)) > 0


def update(containers: Containers, id: str, host: Json, resources: Json) -> None:
    """Write new limits of a running container. Raises OSError with the file that refused."""
    control.update(update_values(layout(), relative(containers, id, host), resources))


def remove_if_idle(containers: Containers, container: Container, host: Json) -> None:
    """After the exit; a container that was started again keeps its group."""
    with container.lock:
        if container.state.running:
            return
        discard(containers, container.id, host)


def discard(containers: Containers, id: str, host: Json) -> None:
    """The group, and what an exec or a joined namespace left behind in it."""
    where = relative(containers, id, host)
    control.kill(layout(), where)
    control.remove(layout(), where)
