"""Containers by another OCI runtime (`--runtime NAME`): its config, its command, what it leaves.

The keeper runs `create` and `start` (runtime/foreign.py); signals, pausing, limits and figures go
by pidfd and control groups as with our own, at the same path. `delete` comes when it has ended.
"""

from __future__ import annotations

import copy
import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any

from orlop import files
from orlop.config import OWN_RUNTIMES
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import InvalidArgument, NotSupported
from orlop.runtime import foreign
from orlop.runtime.cgroup.layout import relative_path
from orlop.runtime.oci.planning import DENY_ALL

log = logging.getLogger(__name__)

Json = dict[str, Any]

_PATIENCE = 30  # seconds for a `delete`


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
    return {
        **_common(containers, container, plan),
        "container_ops": container_ops,
        "joins": [],
    }


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
    for entry in linux["namespaces"]:
        kind, _, id = str(entry.get("path") or "").partition(":")
        if kind == "container":
            name = {"network": "net", "mount": "mnt"}.get(entry["type"], entry["type"])
            entry["path"] = f"/proc/{containers.get(id).state.pid}/ns/{name}"
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
    if _name(containers, container.host_config) not in OWN_RUNTIMES:
        _forget(containers, container)


def _forget(containers: Containers, container: Container) -> None:
    host = container.host_config
    state = Path(directory(containers, host))
    kept = list(state.glob(f"{container.id}*"))  # runsc: no directory, files of longer names
    if not kept:
        return
    try:
        command = command_of(containers, host)
    except InvalidArgument:  # it is configured no more, and nobody else would take them
        for path in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    try:
        words = [*command, "--root", str(state), "delete", "--force", container.id]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s: runtime of %s: %s", container.id[:12], host.get("Runtime"), error)
        return
    if done.returncode:
        log.warning("%s: %s", container.id[:12], done.stderr.strip())
