"""OCI spec → launch plan → keeper: the one file that knows the runtime's and keeper's calls."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from orlop import files
from orlop.container import caps, cgroups, exec_process, failures, foreign, userns
from orlop.container.containers import Containers
from orlop.container.model import Container, joined
from orlop.container.security import Security, parse
from orlop.container.view import running_root
from orlop.errors import InvalidArgument, OrlopError, SystemFailure
from orlop.keeper.replies import LaunchFailed
from orlop.kernel import process as kernel_process
from orlop.runtime import seccomp
from orlop.runtime.foreigncall import STAGE as OTHERS
from orlop.runtime.plan import NAMESPACES, make_exec_plan, make_plan

log = logging.getLogger(__name__)

Json = dict[str, Any]
_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: "


@lru_cache(maxsize=1)
def host_capabilities() -> tuple[str, ...]:
    """What this daemon could give: its own bounding set."""
    mask = kernel_process.bounding_set()
    return tuple(name for number, name in enumerate(caps.KNOWN) if mask >> number & 1)


@lru_cache(maxsize=1)
def time_namespaces() -> bool:
    """The kernel knows them (5.6, if configured)."""
    return Path("/proc/self/ns/time").exists()


def for_container(
    containers: Containers,
    document: Json,
    found: Security,
    container_ops: Any = (),
    *,
    map_root: bool = False,
    privileged: bool = False,
    bundle: str = "",
    container: Container | None = None,
) -> Json:
    """The launch plan of a spec; `container`: may name a runtime of its own.

    Raises an OrlopError with Docker's text.
    """
    id = document["linux"]["cgroupsPath"].rpartition("/")[2].rpartition(":")[2]
    names = document["process"]["capabilities"]["bounding"]
    program, flags = _seccomp(containers, found, names, privileged)
    if containers.config.rootless:  # no filter can be loaded, and no node can be made
        document["linux"]["resources"].pop("devices", None)
    if not cgroups.available():
        document["mounts"] = [m for m in document["mounts"] if m["type"] != "cgroup"]
    try:
        plan = make_plan(
            document,
            id,
            cgroups.layout(),
            seccomp=program,
            seccomp_flags=flags,
            container_ops=container_ops,
            map_root=map_root,
            bind_devices=containers.config.rootless,
            create_hooks=_create_hooks(document, id, bundle),
        )
    except OrlopError as error:
        raise failures.spec_error(error.message) from error
    if container is None or not foreign.command_of(containers, container.host_config):
        return plan
    profile = _profile(containers, found, privileged)
    filter = seccomp.oci(profile, names) if profile else None
    return foreign.container_plan(containers, container, document, plan, filter, container_ops)


def _create_hooks(document: Json, id: str, bundle: str) -> tuple[list[Json], str, str] | None:
    """Those of devices, with the state that they are told in two halves: a pid comes between."""
    hooks = (document.get("hooks") or {}).get("createContainer")
    if not hooks:
        return None
    Path(bundle).mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_atomic(Path(bundle) / "config.json", json.dumps(document).encode(), durable=False)
    head = {"ociVersion": document["ociVersion"], "id": id, "status": "creating"}
    return hooks, json.dumps(head)[:-1] + ', "pid": ', f', "bundle": {json.dumps(bundle)}}}'


def _seccomp(
    containers: Containers, found: Security, names: Iterable[str], privileged: bool
) -> tuple[bytes | None, int]:
    """`names`: the container's capabilities. A privileged one has the profile that it names."""
    profile = _profile(containers, found, privileged)
    if not profile:
        return None, 0
    try:
        return seccomp.program(profile, names, containers.config.data_root / "orlop" / "seccomp")
    except InvalidArgument as error:
        raise SystemFailure(error.message) from None


def _profile(containers: Containers, found: Security, privileged: bool) -> str:
    """The text; "" for none."""
    wanted = found.seccomp or containers.config.seccomp_profile
    if wanted == "unconfined" or (privileged and not found.seccomp):
        return ""
    return found.seccomp or _daemon_profile(wanted)


def _daemon_profile(path: str) -> str:
    if path in ("", "builtin"):
        return seccomp.default_profile()
    if path == "hardened":
        return seccomp.hardened_profile()
    try:
        return Path(path).read_text()
    except OSError as error:
        raise SystemFailure(f"opening seccomp profile ({path}) failed: {error.strerror}") from error


def spawn(
    containers: Containers, id: str, plan: Json, *, stdio: Json, log: Json, attachment: Any
) -> tuple[int, int]:
    """(pid, started ns) once the program was executed. Raises Docker's error."""
    try:
        return containers.keeper.spawn(
            id,
            plan,
            stdio=stdio,
            log=log,
            host_ops=attachment.host_ops,
            fds=attachment.port_fds,
        )
    except LaunchFailed as error:
        own = error.stage != OTHERS
        raise failures.launch_error(describe(error), own=own)[0] from error


def describe(error: LaunchFailed) -> str:
    """The runtime's own words for the step that failed, as runc says them."""
    if error.stage == OTHERS:
        return str(error.args[0])
    reason = error.args[0].lower() if error.args else ""
    if error.stage == "lookup":
        return f'exec: "{error.path}": {_lookup(reason)}'
    if error.stage in ("cwd", "directory"):
        if "outside of container" in reason:
            return reason
        return f'chdir to cwd ("{error.path}") set in config.json failed: {reason}'
    if error.stage == "sysctl":
        name = error.path.removeprefix("/proc/sys/").replace("/", ".")
        return f"failed to write sysctl {name}: {reason}"
    if error.stage in ("hostname", "domainname"):
        return f"set{error.stage}: {reason}"
    if error.stage in ("mount", "bind", "cgroups"):
        return reason
    where = f" {error.path}" if error.path else ""
    return f"{error.stage}{where}: {reason}"


def _lookup(reason: str) -> str:
    if reason == "is a directory":
        return "is a directory: permission denied"
    return reason.replace("in $path", "in $PATH")


def run_exec(
    containers: Containers, container: Container, exec_id: str, process: Json, *, stdio: Json
) -> int:
    """The process's host PID once it was executed. Raises Docker's error.

    Its system calls are filtered as the container's, whatever capabilities it has of its own.
    """
    host = container.host_config
    privileged = bool(host.get("Privileged"))
    names = caps.effective(
        host.get("CapAdd") or (),
        host.get("CapDrop") or (),
        privileged=privileged,
        available=host_capabilities(),
    )
    found = parse(host, no_new_privileges=containers.config.no_new_privileges)
    shown = userns.of_process(container.state.pid)
    program, flags = _seccomp(containers, found, names, privileged)
    plan = make_exec_plan(
        process,
        cgroups.directories(containers, container),
        namespaces=_namespaces(host, container.state.pid) | (NAMESPACES["user"] if shown else 0),
        seccomp=program,
        seccomp_flags=flags,
        keyring=container.id,
        user_namespace={"uids": list(shown.uids), "gids": list(shown.gids)} if shown else None,
    )
    if foreign.command_of(containers, host):
        plan = foreign.exec_plan(containers, container, exec_id, process, plan)
    try:
        pid, _ = containers.keeper.exec(container.id, exec_id, plan, stdio)
    except LaunchFailed as error:
        raise SystemFailure(_EXEC + describe(error)) from error
    return pid


def _namespaces(host: Json, pid: int) -> int:
    """Those of the container that are not our own, too: into one of the host's a user may not go,
    not even from it (a time namespace is joined by an execve since Linux 6.3 only)."""
    kinds = ["mount"]
    for kind, mode in (
        ("network", host.get("NetworkMode")),
        ("uts", host.get("UTSMode")),
        ("pid", host.get("PidMode")),
        ("ipc", host.get("IpcMode")),
    ):
        if mode != "host" or joined(str(mode)):
            kinds.append(kind)
    if host.get("CgroupnsMode") == "private":
        kinds.append("cgroup")
    if time_namespaces():
        kinds.append("time")
    return sum(NAMESPACES[kind] for kind in kinds if not _is_ours(pid, kind))


def _is_ours(pid: int, kind: str) -> bool:
    name = {"mount": "mnt", "network": "net"}.get(kind, kind)
    try:
        return os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}")
    except OSError:
        return False


def exec_inside(
    containers: Containers, container: Container, exec_id: str, argv: list[str]
) -> None:
    """Run a command of ours (a health check) as the container's own user."""
    config = {"Cmd": argv, "AttachStdout": True, "AttachStderr": True}
    with running_root(container) as root:
        process = exec_process.exec_process(containers, container, config, root)
    stdio = {"tty": False, "open_stdin": False, "stdin_once": False, "rows": 0, "cols": 0}
    run_exec(containers, container, exec_id, process, stdio=stdio)
