"""Start a container, by a user or by its restart policy."""

from __future__ import annotations

import logging

from orlop.container import failures, health, launch, remove
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict, NotModified, OrlopError, SystemFailure

log = logging.getLogger(__name__)


def start(containers: Containers, ref: str) -> None:
    """Raises NotModified when it runs, Conflict when it cannot, or why the launch failed."""
    containers.check_open()
    container = containers.get(ref)
    with container.lock:
        check(containers, container)
        if container.cancel_restart is not None:  # do now what the policy does later
            container.cancel_restart()
            container.cancel_restart = None
            container.state.running = container.state.restarting = False
        container.backoff = 0.0
        run(containers, container, by_policy=False)


def check(containers: Containers, container: Container) -> None:
    """May it start? The caller holds the lock."""
    state = container.state
    if container.damaged:
        raise SystemFailure(f"container {container.id} is damaged: {container.damaged}")
    if state.removing or state.dead or containers.find(container.id) is not container:
        raise Conflict("container is marked for removal and cannot be started")
    if state.paused:
        raise Conflict("cannot start a paused container, try unpause instead")
    if state.running and not state.restarting:
        raise NotModified("")


def run(containers: Containers, container: Container, *, by_policy: bool) -> None:
    """Launch and record. The caller holds the lock and has checked the state."""
    state = container.state
    record = container.record
    if not by_policy:
        record["RestartCount"] = 0
        record["HasBeenManuallyStopped"] = False
    try:
        started_at = launch.launch(containers, container, record)
    except OrlopError as error:
        _failed(containers, container, error)
        raise
    except OSError as error:
        failure = SystemFailure(f"{error.strerror}: {error.filename or ''}".rstrip(": "))
        _failed(containers, container, failure)
        raise failure from error
    state.running = True
    state.restarting = state.paused = state.oom_killed = False
    state.error, state.exit_code = "", 0
    state.started_at = started_at
    record["HasBeenStartedBefore"] = True
    health.begin(containers, container, record)
    container.save(record)
    containers.publish(container, "start")
    health.schedule(containers, container)


def _failed(containers: Containers, container: Container, error: OrlopError) -> None:
    """Note why; an AutoRemove container goes, as nobody could ever remove it otherwise."""
    state = container.state
    state.running = state.restarting = state.paused = False
    state.pid = 0
    state.error = error.message
    state.exit_code = failures.exit_code(error.message)
    container.save()
    if container.host_config["AutoRemove"]:
        remove.discard(containers, container, volumes=True)


def again(containers: Containers, container: Container) -> None:
    """A restart by policy whose time has come."""
    with container.lock:
        container.cancel_restart = None
        state = container.state
        wanted = state.restarting and state.running and not state.removing
        if not wanted or containers.closing or containers.find(container.id) is not container:
            return
        try:
            run(containers, container, by_policy=True)
        except OrlopError as error:
            log.warning("restart of %s failed: %s", container.id[:12], error.message)
            if containers.find(container.id) is container:
                container.exited((state.exit_code, state.error))
