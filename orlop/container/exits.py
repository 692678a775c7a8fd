"""A container ended: record it, tell who waits, then restart, remove and tidy.

The order is the promise: the exit is on disk and in `inspect` before anybody is told, everybody is
told before anything slow happens, and the keeper forgets the task only once it is recorded.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from orlop.container import (
    cgroups,
    foreign,
    health,
    imagemounts,
    logopts,
    policy,
    remove,
    rootfs,
    start,
    volumes,
)
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.timers import guarded
from orlop.container.times import nanoseconds, stamp

log = logging.getLogger(__name__)

LOST = 255  # nobody saw how it ended
LOST_TEXT = "the container's end was not seen: its keeper went down"


def on_exit(
    containers: Containers, id: str, exec_id: str, status: int | None, exited_ns: int
) -> None:
    """The keeper's callback, on its reader thread: hands over at once, never blocks."""
    if exec_id:
        for handler in tuple(containers.exec_exits):  # probes come and go
            handler(id, exec_id, LOST << 8 if status is None else status, exited_ns)
        return
    error = LOST_TEXT if status is None else ""
    containers.submit(lambda: ended(containers, id, status, exited_ns, error=error))


def code_of(status: int | None) -> int:
    """A raw wait status as Docker's exit code: 128+n for a signal, 255 when nobody saw it."""
    if status is None:
        return LOST
    signal = status & 0x7F
    return 128 + signal if signal else (status >> 8) & 0xFF


def ended(
    containers: Containers,
    id: str,
    status: int | None,
    exited_ns: int,
    *,
    error: str = "",
) -> None:
    """`status` None: the exit was not seen (keeper lost, reboot); `error` says so."""
    container = containers.find(id)
    if container is None:
        containers.keeper.forget(id, "")
        return
    code = LOST if status is None else code_of(status)
    with container.lock:
        # One hold from the record to the tidying: a start that comes in between would have its
        # new address, mount and task taken away.
        if not container.state.running or container.state.restarting:
            containers.keeper.forget(id, "")
            return
        containers.settling(1)
        try:
            again = _record(containers, container, code, exited_ns, error)
            container.exited((code, error))
            _tidy(containers, container)
            containers.keeper.forget(id, "")
        finally:
            containers.settling(-1)
        if again:
            container.cancel_restart = containers.timers.after(
                container.backoff, lambda: start.again(containers, container)
            )
        elif container.host_config["AutoRemove"] and not container.restarts_under_way:
            _auto_remove(containers, container)


def _auto_remove(containers: Containers, container: Container) -> None:
    """At once, unless its last records are still on their way to somewhere else."""
    if not logopts.is_remote(container):
        remove.discard(containers, container, volumes=True)
        return

    def when_sent() -> None:
        containers.couriers.finish(container.id)
        remove.discard(containers, container, volumes=True)

    # a thread of its own: a log server that hangs must not delay what others wait for
    threading.Thread(target=guarded, args=(when_sent,), name="orlop-sent", daemon=True).start()


def _record(
    containers: Containers, container: Container, code: int, exited_ns: int, error: str
) -> bool:
    """State, record and the die event; True when the policy starts it again."""
    state = container.state
    record = container.record
    host = container.host_config
    ran = _ran(container, exited_ns)
    health.ended(container)
    state.oom_killed = cgroups.oom_killed(containers, container.id, host)
    state.pid = 0
    state.paused = False
    state.exit_code, state.error = code, error
    state.finished_at = stamp(exited_ns)
    again = not containers.closing and policy.restarts(
        host["RestartPolicy"],
        code,
        record.get("RestartCount", 0),
        stopped_by_user=bool(record.get("HasBeenManuallyStopped")),
    )
    state.running = state.restarting = again
    if again:
        record["RestartCount"] = record.get("RestartCount", 0) + 1
        container.backoff = policy.backoff(container.backoff, ran)
    _forget_endpoints(record)
    container.exec_ids.clear()
    try:
        container.save(record)
    except OSError as error:  # a full disk: what is in memory holds, and a restart derives it
        log.warning("the end of %s is not on disk: %s", container.id[:12], error.strerror)
    if state.oom_killed:
        containers.publish(container, "oom")
    volumes.leave(containers, record)
    containers.publish(container, "die", exitCode=str(code), execDuration=str(int(ran)))
    return again


def _ran(container: Container, exited_ns: int) -> float:
    if container.launched:
        return max(0.0, time.monotonic() - container.launched)
    return max(0.0, (exited_ns - nanoseconds(container.state.started_at)) / 1e9)


def _forget_endpoints(record: dict[str, object]) -> None:
    """An ended container shows its networks without addresses, and no sandbox."""
    settings = record.get("NetworkSettings")
    if not isinstance(settings, dict):
        return
    settings["SandboxID"] = settings["SandboxKey"] = ""
    settings["Ports"] = {}
    for endpoint in (settings.get("Networks") or {}).values():
        endpoint.update(
            EndpointID="",
            Gateway="",
            IPAddress="",
            IPPrefixLen=0,
            IPv6Gateway="",
            GlobalIPv6Address="",
            GlobalIPv6PrefixLen=0,
            MacAddress=endpoint.get("DesiredMacAddress") or "",
        )


def _tidy(containers: Containers, container: Container) -> None:
    """Free what others may want at once (address, ports); queue the slow rest."""
    containers.networks.detach(container.id)
    host = container.host_config
    if logopts.is_remote(container):
        containers.couriers.end(container.id)
    containers.cleanup.add(
        f"cgroup of {container.id[:12]}",
        lambda: _remove_groups(containers, container, host),
    )
    imagemounts.unmount(containers, container, container.record)
    rootfs.leave(containers, container)


def _remove_groups(containers: Containers, container: Container, host: dict[str, Any]) -> None:
    foreign.end(containers, container)
    cgroups.remove_if_idle(containers, container, host)
