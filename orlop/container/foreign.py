"""Containers by another OCI runtime (`--runtime NAME`): its config, its command, what it leaves.

The keeper runs `create` and `start` (runtime/foreign.py); signals, pausing, limits and figures go
by pidfd and control groups as with our own, at the same path. `delete` comes when it has ended.
"""

from __future__ import annotations

import copy
import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from orlop import files
from orlop.config import OWN_RUNTIMES
from orlop.container import cgroups
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import InvalidArgument, NotSupported
from orlop.runtime import foreign
from orlop.runtime.cgroup.layout import relative_path
from orlop.runtime.oci.planning import DENY_ALL

log = logging.getLogger(__name__)

Json = dict[str, Any]

_PATIENCE = 30  # seconds for a `delete`, and for a `create` that is to end
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def command_of(containers: Containers, host: Json) -> list[str]:
    """[] for our own runtime. Raises InvalidArgument for a name that is configured no more."""
    name = _name(containers, host)
    if name in OWN_RUNTIMES:
        return []
    words = containers.config.runtimes.get(name)
    if not words:
        raise InvalidArgument(f"unknown or invalid runtime name: {name}")
    return list(words)


def _name(containers: Containers, host: Json) -> str:
    return str(host.get("Runtime") or containers.config.default_runtime)


def directory(containers: Containers, host: Json) -> str:
    """Where the runtime keeps its state."""
    return str(Path(containers.keeper.exec_root) / "runtimes" / _name(containers, host))


def container_plan(
    containers: Containers,
    container: Container,
    document: Json,
    plan: Json,
    filter: Json | None,
    container_ops: Any,
) -> Json:
    """`plan`: our own, of which the keeper needs the process's IDs. Writes the bundle."""
    bundle = containers.exec_directory(container.id)
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    _forget(containers, container)
    text = json.dumps(config(containers, document, filter)).encode()
    files.write_atomic(bundle / "config.json", text, durable=False)
    namespaces = _joined(containers, document)
    return {
        **_common(containers, container, plan),
        "container_ops": container_ops,
        "namespaces": namespaces,
        "joins": sorted({id for id, _ in namespaces}),
    }


def _joined(containers: Containers, document: Json) -> list[tuple[str, str]]:
    """(ID, name in /proc) of the namespaces of other containers."""
    found = []
    for entry in document["linux"]["namespaces"]:
        kind, _, ref = str(entry.get("path") or "").partition(":")
        if kind == "container":
            name = {"network": "net", "mount": "mnt"}.get(entry["type"], entry["type"])
            found.append((containers.get(ref).id, name))
    return found


def _common(containers: Containers, container: Container, plan: Json, exec_id: str = "") -> Json:
    """What the keeper needs of a container and of an exec."""
    host = container.host_config
    made = foreign.plan(
        command_of(containers, host),
        directory(containers, host),
        str(containers.exec_directory(container.id)),
        container.id,
        exec_id,
    )
    return {
        "foreign": made,
        "process": {"uid": plan["process"]["uid"], "gid": plan["process"]["gid"]},
        "cgroup_directories": plan["cgroup_directories"],
        "terminal": bool(plan["terminal"]),
    }


def config(containers: Containers, document: Json, filter: Json | None) -> Json:
    """The config.json that any runtime reads. Raises NotSupported."""
    found = copy.deepcopy(document)
    linux = found["linux"]
    if containers.config.rootless:
        raise NotSupported("without root containers run in orlop's own runtime")
    if "uidMappings" in linux:
        raise NotSupported("user namespaces need orlop's own runtime: --userns=host")
    found["ociVersion"] = "1.0.2"  # what any of them reads
    linux["cgroupsPath"] = "/" + relative_path(linux["cgroupsPath"], "")
    resources = linux.setdefault("resources", {})
    resources["devices"] = [DENY_ALL, *(resources.get("devices") or [])]
    # runc before 1.2 and crun before 1.9 do not know that of time
    linux["namespaces"] = [e for e in linux["namespaces"] if e["type"] != "time"]
    joined = iter(_joined(containers, document))
    for entry in linux["namespaces"]:
        if str(entry.get("path") or "").startswith("container:"):
            entry["path"] = foreign.namespace_of(*next(joined))
    for mount in found["mounts"]:
        if "rro" in mount.get("options", ()) and not Path(mount["source"]).is_dir():
            # the same for a file, and crun 1.8 opens the target of "rro" as a directory
            mount["options"] = ["ro" if word == "rro" else word for word in mount["options"]]
    if filter is not None:
        linux["seccomp"] = filter
    return found


def exec_plan(
    containers: Containers, container: Container, exec_id: str, process: Json, plan: Json
) -> Json:
    place = containers.exec_directory(container.id) / f"{exec_id}-process.json"
    files.write_atomic(place, json.dumps(process).encode(), durable=False)
    return _common(containers, container, plan, exec_id)


def end(containers: Containers, container: Container) -> None:
    """What the runtime keeps of a container that has ended, its control groups too."""
    if _name(containers, container.host_config) in OWN_RUNTIMES:
        return
    with container.lock:
        if not container.state.running:  # else it was started again meanwhile
            _forget(containers, container)


def abandon(containers: Containers, container: Container) -> None:
    """The same of a launch that failed, which by a restart policy counts as running. The caller
    holds the lock."""
    host = container.host_config
    if _name(containers, host) not in OWN_RUNTIMES:
        _forget(containers, container)
        # a runtime that was killed at work knows nothing of the groups that it made
        cgroups.discard(containers, container.id, host)


def sweep(containers: Containers, running: Collection[str]) -> None:
    """What runtimes keep of containers that do not run, or that nobody knows any more: a daemon
    was killed before it came to that. Before any container is started."""
    for state in containers.config.exec_root.glob("runtimes/*"):
        kept = {match[0] for path in state.glob("*") if (match := _ID.match(path.name))}
        for id in sorted(kept.difference(running)):
            log.warning("%s: runtime %s kept its state", id[:12], state.name)
            _await_lead(containers.exec_directory(id) / foreign.LOCK)
            _delete(containers, state, id)


def _forget(containers: Containers, container: Container) -> None:
    _await_lead(containers.exec_directory(container.id) / foreign.LOCK)
    _delete(containers, Path(directory(containers, container.host_config)), container.id)


def _await_lead(lock: Path) -> None:
    """Until nobody makes the container any more: a lead outlives its keeper by a moment."""
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    end = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < end:
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.02)
        log.warning("%s: a runtime is still at work", lock.parent.name[:12])
    finally:
        os.close(fd)


def _delete(containers: Containers, state: Path, id: str) -> None:
    """`state`: where a runtime keeps what it knows; its name is the runtime's."""
    kept = list(state.glob(f"{id}*"))  # runsc: no directory, files of longer names
    if not kept:
        return
    try:
        command = command_of(containers, {"Runtime": state.name})
    except InvalidArgument:  # it is configured no more, and nobody else would take them
        command = []
    if not command:
        for path in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    try:
        words = [*command, "--root", str(state), "delete", "--force", id]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s: runtime %s: %s", id[:12], state.name, error)
        return
    if done.returncode:
        log.warning("%s: %s", id[:12], done.stderr.strip())
