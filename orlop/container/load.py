"""Read the records at start and find out what became of the containers meanwhile.

Damaged records never stop the daemon: they are listed as dead, with the reason, and can only be
removed. A container the keeper still has goes on; one that ended while nobody looked gets its
exit now; one that nobody saw end gets 255, never 0.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time

from orlop.container import (
    cgroups,
    exits,
    foreign,
    health,
    hostmounts,
    imagemounts,
    links,
    orphans,
    policy,
    remove,
    revive,
    shapes,
    start,
    userns,
    volumes,
)
from orlop.container.containers import Containers
from orlop.container.create import TRANSIENT
from orlop.container.mendlayers import mend_layers
from orlop.container.merge import host_config as default_host_config
from orlop.container.model import Container, Json, decode, joined
from orlop.container.shapes import Damaged
from orlop.container.times import stamp
from orlop.errors import OrlopError
from orlop.oci import idmap

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAXIMUM = 64 << 20  # bytes of a record; more is not one
_LOST = "the container's end was not seen: its keeper or the machine went down"


def load(containers: Containers) -> None:
    """List what is on disk. No process is touched yet."""
    os.makedirs(containers.root, 0o710, exist_ok=True)
    os.makedirs(containers.trash, 0o700, exist_ok=True)
    for entry in sorted(os.listdir(containers.root)):
        if _ID.fullmatch(entry):
            _load_one(containers, entry)
    for container in containers.all():
        links.register(containers, container)
    containers.cleanup.add("trash", lambda: _empty_trash(containers))


def _load_one(containers: Containers, id: str) -> None:
    directory = containers.root / id
    try:
        record = _read(f"{directory}/config.v2.json")
        shapes.record(record, id)
        host = _read(f"{directory}/hostconfig.json")
        shapes.host_config(host)
        host = {**_defaults(containers), **host}
        container = Container(id, directory, record, host)
    except (Damaged, OSError, ValueError, TypeError) as error:
        log.error("container %s is damaged: %s", id[:12], error)
        container = _wreck(containers, id, error)
    name = container.name
    if not name or containers.name_owner(name) not in (None, id):
        log.warning("container %s: name %r is taken or missing", id[:12], name)
        container.name = containers.reserve("", id)
    containers.add(container)
    own = idmap.from_document(record.get(userns.RECORD)) if not container.damaged else None
    if own is not None:
        containers.ranges.hold(id, own)


def _defaults(containers: Containers) -> Json:
    daemon = containers.config
    return default_host_config(
        {},
        shm_size=daemon.default_shm_size,
        ipc_mode="private",
        cgroupns_mode="host",
        runtime=daemon.default_runtime,
        log_driver="json-file",
        log_opts={},
    )


def _read(path: str) -> Json:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        raw = file.read(_MAXIMUM + 1)
    name = os.path.basename(path)
    if len(raw) > _MAXIMUM:
        raise Damaged(f"{name} is too large")
    try:
        document = decode(raw)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{name}: {error}") from None
    if not isinstance(document, dict):
        raise Damaged(f"{name} is not an object")
    return document


def _wreck(containers: Containers, id: str, error: Exception) -> Container:
    """What can be shown of a container whose records cannot be read. Nothing on disk changes."""
    directory = containers.root / id
    try:
        found = _read(f"{directory}/config.v2.json")
    except (Damaged, OSError):
        found = {}
    name = found.get("Name")
    try:
        created = os.stat(directory).st_mtime_ns
    except OSError:
        created = 0
    record: Json = {
        "ID": id,
        "Created": stamp(created),
        "Path": "",
        "Args": [],
        "State": {"Dead": True},
        "Config": {"Image": "", "Labels": {}, "Cmd": None},
        "Image": "",
        "Name": name if isinstance(name, str) else "",
        "NetworkSettings": {},
        "MountPoints": {},
    }
    container = Container(id, directory, record, _defaults(containers))
    text = str(error) if not isinstance(error, OSError) else f"{error.filename}: {error.strerror}"
    container.damaged = text
    return container


def _empty_trash(containers: Containers) -> None:
    for entry in os.listdir(containers.trash):
        tomb = containers.trash / entry
        hostmounts.unmount_below(str(tomb))
        shutil.rmtree(tomb, ignore_errors=True)


def recover(containers: Containers, tasks: list[Json]) -> None:
    """Match records with the keeper's tasks, then restart what its policy wants back."""
    _mend_layers(containers)
    found = {task["id"]: task for task in tasks if not task.get("exec_id")}
    orphaned = _orphans(containers, found)
    live = {c.id for c in containers.all() if _runs(found.get(c.id))}
    running = [c.record for c in containers.all() if c.id in live]
    # Before anything starts: whose IDs a mount of an earlier daemon shows nobody knows.
    containers.layers.sweep_mounts(live.union(*map(imagemounts.layers, running)))
    live.clear()
    for container in containers.all():
        task = found.pop(container.id, None)
        try:
            if _recover_one(containers, container, task):
                live.add(container.id)
        except (OrlopError, OSError):
            log.exception("recovery of container %s", container.id[:12])
    foreign.sweep(containers, live)
    revive.hold_ports(containers, [c for c in orphaned if c.id in live])
    for id, task in found.items():
        _stray(containers, id, task)
    for container in containers.all():
        if not container.damaged and container.record.get(TRANSIENT):
            _end_step(containers, container)
    containers.networks.sweep(live)
    containers.couriers.resume({container.id for container in containers.all()})
    try:
        _sweep_layers(containers)
    except (OrlopError, OSError):
        log.exception("sweep of orphaned layers")


def _orphans(containers: Containers, found: dict[str, Json]) -> list[Container]:
    """Those that the keeper had lost; `found` has their tasks then."""
    taken = []
    for container in containers.all():
        state = container.state
        if state.running and not state.restarting and container.id not in found:
            task = orphans.take_back(containers, container)
            if task is not None:
                found[container.id] = task
                taken.append(container)
    return taken


def _runs(task: Json | None) -> bool:
    return task is not None and task["state"] != "exited"


def _end_step(containers: Containers, container: Container) -> None:
    """The build that it was a step of went down with its daemon."""
    containers.cleanup.add(
        f"build step {container.id[:12]}",
        lambda: remove.remove(containers, container.id, force=True, volumes=True),
    )


def _recover_one(containers: Containers, container: Container, task: Json | None) -> bool:
    """True when it runs."""
    state = container.state
    if container.damaged:
        return _runs(task)
    if task is None:
        if state.running and not state.restarting:
            _take_over(container, 0)
            exits.ended(containers, container.id, None, time.time_ns(), error=_LOST)
        elif state.running:
            _resume_restart(containers, container)
        else:
            _with_daemon(containers, container)
        return False
    if task["state"] == "exited":
        if state.running and not state.restarting:
            _take_over(container, int(task["started_ns"] or 0))
            exits.ended(containers, container.id, task["status"], task["exited_ns"])
        else:
            containers.keeper.forget(container.id, "")
            if state.running:  # it ended once more after the record, or its exit is recorded
                _resume_restart(containers, container)
        return False
    _adopt(containers, container, task)
    return True


def _take_over(container: Container, started_ns: int) -> None:
    """What this daemon must know of a container that an earlier one started."""
    container.rootfs_users = 1
    age = (time.time_ns() - started_ns) / 1e9 if started_ns else 0.0
    container.launched = max(0.001, time.monotonic() - max(0.0, age))


def _adopt(containers: Containers, container: Container, task: Json) -> None:
    """It runs: perhaps the last daemon died between the launch and its record."""
    state = container.state
    with container.lock:
        state.running, state.restarting, state.dead = True, False, False
        state.pid = int(task["pid"])
        if not state.started_at.startswith(stamp(task["started_ns"])[:10]):
            state.started_at = stamp(task["started_ns"])
        _take_over(container, int(task["started_ns"]))
        record = container.record
        container.rootfs_map = userns.of_process(state.pid)
        if userns.is_auto(str(container.host_config.get("UsernsMode") or "")):
            _hold_range(containers, container, record)
        record["HasBeenStartedBefore"] = True
        container.save(record)
        containers.networks.restore(
            container.id,
            record.get("NetworkSettings") or {},
            container.name,
            record["Config"]["Hostname"],
            container.host_config,
        )
        volumes.hold(containers, record)
        _go_on(containers, container)
        health.schedule(containers, container)


def _go_on(containers: Containers, container: Container) -> None:
    """The last daemon may have died in a commit, which holds a container still: no signal would
    reach it then, and nobody calls it paused."""
    if container.state.paused or not cgroups.available():
        return
    try:
        cgroups.freeze(containers, container.id, container.host_config, frozen=False)
    except (OrlopError, OSError):
        log.exception("container %s may be frozen", container.id[:12])


def _hold_range(containers: Containers, container: Container, record: Json) -> None:
    """What it runs with counts, should the record not have it yet."""
    shown = container.rootfs_map
    if shown is not None and not any(
        joined(str(container.host_config[k])) for k in ("NetworkMode", "PidMode", "IpcMode")
    ):
        record[userns.RECORD] = shown.document()
        containers.ranges.hold(container.id, shown)


def _resume_restart(containers: Containers, container: Container) -> None:
    container.backoff = policy.FIRST
    container.cancel_restart = containers.timers.after(
        policy.FIRST, lambda: start.again(containers, container)
    )


def _with_daemon(containers: Containers, container: Container) -> None:
    """Restart policies hold over a restart of the machine."""
    state = container.state
    if state.dead or not container.record.get("HasBeenStartedBefore"):
        return
    if container.host_config["AutoRemove"]:
        containers.cleanup.add(
            f"AutoRemove of {container.id[:12]}",
            lambda: remove.discard(containers, container, volumes=True),
        )
        return
    record = container.record
    if policy.starts_with_daemon(
        container.host_config["RestartPolicy"],
        state.exit_code,
        record.get("RestartCount", 0),
        stopped_by_user=bool(record.get("HasBeenManuallyStopped")),
    ):
        state.running = state.restarting = True
        _resume_restart(containers, container)


def _stray(containers: Containers, id: str, task: Json) -> None:
    """A task without a record: the daemon died while it was being removed."""
    log.warning("ending stray container %s", id[:12])
    if task["state"] == "exited":
        containers.keeper.forget(id, "")
        return
    try:
        containers.keeper.signal(id, "", 9)
    except (OrlopError, OSError):
        log.exception("stray container %s", id[:12])


def _mend_layers(containers: Containers) -> None:
    try:
        containers.layers.mend()
    except OSError:
        log.exception("layers of images")
    for container in containers.all():
        try:
            if mend_layers(containers, container):
                log.warning("layers of container %s were mended", container.id[:12])
        except (OrlopError, OSError):
            log.exception("layers of container %s", container.id[:12])


def _sweep_layers(containers: Containers) -> None:
    """What a crash left half made or half removed. Nobody asks for anything yet."""
    ids = {container.id for container in containers.all()}
    ids.update(*(imagemounts.layers(container.record) for container in containers.all()))
    containers.layers.sweep(ids)
    containers.images.sweep()
