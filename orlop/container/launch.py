"""From a record to a running process: mounts, network, files, spec, plan, keeper.

Every step that succeeds registers its undo; a failure anywhere takes all of them back, so that a
start that failed leaves what it found.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import Any

from orlop.container import (
    apparmor,
    cdi,
    cgroups,
    devices,
    foreign,
    hostfiles,
    hostmounts,
    initbinary,
    links,
    logopts,
    plans,
    process,
    rootfs,
    security,
    spec,
    userns,
    users,
    volumes,
)
from orlop.container.containers import Containers
from orlop.container.model import Container, Json, joined
from orlop.container.specmounts import UserMount
from orlop.container.times import stamp
from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.oci.idmap import IDMap
from orlop.paths import Root

_SHM = "/dev/shm"


def launch(containers: Containers, container: Container, record: Json) -> str:
    """Start the process; changes `record` (network settings, paths). When it started, as text.

    The caller holds the lock. Raises an OrlopError with Docker's text.
    """
    host = container.host_config
    record["LogPath"] = ""
    with ExitStack() as undo:
        undo.callback(containers.keeper.drop, container.id, "")
        namespace = userns.of_start(containers, container, record)
        shown = namespace.idmap if namespace else None
        merged = rootfs.enter_to_run(containers, container, shown)
        undo.callback(rootfs.leave, containers, container)
        attachment = _attach(containers, container, record, host)
        undo.callback(containers.networks.detach, container.id)
        facts = _facts(containers, container, record, host, merged, attachment, namespace, undo)
        document = spec.build(record, host, facts)
        _inject(containers, document, host)
        undo.callback(foreign.abandon, containers, container)
        plan = plans.for_container(
            containers,
            document,
            facts.security,
            attachment.container_ops,
            map_root=containers.layers.driver.whole,
            privileged=host["Privileged"],
            bundle=str(containers.exec_directory(container.id)),
            container=container,
        )
        pid, started_ns = _spawn(containers, container, record, host, plan, attachment)
        undo.pop_all()
    attachment.close()
    container.state.pid = pid
    container.launched = time.monotonic()
    return stamp(started_ns)


def _attach(containers: Containers, container: Container, record: Json, host: Json) -> Any:
    """The network: settings and files into the record, the attachment for the keeper."""
    donor = joined(host["NetworkMode"])
    config = record["Config"]
    if donor:
        other = _network_donor(containers, donor)
        _share_files(record, other)
    containers.settled()
    attachment = containers.networks.attach(
        container.id,
        container.name,
        config["Hostname"],
        host,
        record["NetworkSettings"],
        config,
    )
    record["NetworkSettings"] = {**record["NetworkSettings"], **attachment.settings}
    if not donor:
        directory = container.directory
        for key, path in (
            ("ResolvConfPath", hostfiles.write_resolv_conf(directory, attachment.resolv_conf)),
            ("HostnamePath", hostfiles.write_hostname(directory, config["Hostname"])),
            ("HostsPath", hostfiles.write_hosts(directory, attachment.hosts)),
        ):
            record[key] = str(path)
    return attachment


def _network_donor(containers: Containers, ref: str) -> Container:
    other = _found(containers, ref, doing := "joining network namespace of container")
    if not other.state.running:
        raise Conflict(
            "cannot join network namespace of a non running container: "
            f"container {other.name.lstrip('/')} is {other.state.status}"
        )
    return _up(other, doing)


def _running(containers: Containers, ref: str, doing: str) -> Container:
    return _up(_found(containers, ref, doing), doing)


def _found(containers: Containers, ref: str, doing: str) -> Container:
    try:
        return containers.get(ref)
    except (NotFound, InvalidArgument) as error:
        raise SystemFailure(f"{doing}: {error.message}") from None


def _up(other: Container, doing: str) -> Container:
    state = other.state
    if not state.running:
        raise Conflict(f"{doing}: container {other.id} is not running")
    if state.restarting:
        raise Conflict(
            f"{doing}: Container {other.id} is restarting, wait until the container is running"
        )
    return other


def _share_files(record: Json, other: Container) -> None:
    """`--network container:X` shows X's name and files."""
    theirs = other.record
    for key in ("ResolvConfPath", "HostnamePath", "HostsPath"):
        record[key] = theirs.get(key, "")
    record["Config"]["Hostname"] = theirs["Config"]["Hostname"]
    record["Config"]["Domainname"] = theirs["Config"].get("Domainname", "")


def _facts(
    containers: Containers,
    container: Container,
    record: Json,
    host: Json,
    merged: str,
    attachment: Any,
    namespace: userns.UserNamespace | None,
    undo: ExitStack,
) -> spec.Facts:
    daemon = containers.config
    config = record["Config"]
    with Root(merged) as root:
        identity = users.resolve(root, config["User"], host["GroupAdd"] or ())
    found = security.parse(host, no_new_privileges=daemon.no_new_privileges)
    shown = namespace.idmap if namespace else None
    mounts = volumes.sources(containers, record, host, shown, undo.callback)
    mounts += _own_mounts(record, host, mounts)
    mounts += _shared_memory(containers, container, record, host, shown, undo)
    wants_init = bool(daemon.init if host.get("Init") is None else host["Init"])
    if wants_init:
        binary = initbinary.find(daemon.init_path)
        mounts.append(
            UserMount(
                process.INIT_PATH,
                binary,
                writable=False,
                recursive=False,
                recursive_read_only=False,
                ours=True,
            )
        )
    nodes, rules = _devices(host)
    if namespace is not None or daemon.rootless:
        mounts += _bound(host)
        nodes = []
    if joined(host["PidMode"]):
        _running(containers, joined(host["PidMode"]), "failed to join PID namespace")
    record["AppArmorProfile"], confined = apparmor.profile(found.apparmor, host["Privileged"])
    return spec.Facts(
        rootfs=merged,
        identity=identity,
        security=found,
        cgroup_path=cgroups.path(containers, container.id, host),
        hostname=config["Hostname"],
        network=_network(attachment.netns),
        link_env=(
            *attachment.link_env,
            *links.environment(containers, container),
            *containers.hidden_env.get(container.id, ()),
        ),
        mounts=mounts,
        nodes=nodes,
        rules=rules,
        blkio={path: devices.block_number(path) for path in spec.block_paths(host)},
        capabilities=plans.host_capabilities(),
        default_ulimits=daemon.default_ulimits,
        init=wants_init,
        apparmor=confined,
        time_namespace=plans.time_namespaces(),
        user_namespace=namespace,
        groups=userns.groups(),
    )


def _network(netns: Any) -> str:
    """The attachment's namespace as the spec names it; "none" is a new one nobody configures."""
    if isinstance(netns, tuple):
        return f"container:{netns[1]}"
    return "host" if netns == "host" else "new"


def _own_mounts(record: Json, host: Json, mounts: list[UserMount]) -> list[UserMount]:
    """The three files, where the user mounts nothing there."""
    taken = {m.target for m in mounts}
    out = []
    for target, key in (
        ("/etc/resolv.conf", "ResolvConfPath"),
        ("/etc/hostname", "HostnamePath"),
        ("/etc/hosts", "HostsPath"),
    ):
        source = record.get(key)
        if source and target not in taken and os.path.exists(source):
            writable = not host["ReadonlyRootfs"]
            out.append(UserMount(target, source, writable, "rprivate", mapped=True, ours=True))
    return out


def _shared_memory(
    containers: Containers,
    container: Container,
    record: Json,
    host: Json,
    shown: IDMap | None,
    undo: ExitStack,
) -> list[UserMount]:
    """/dev/shm when it is not simply the container's own tmpfs."""
    mode = host["IpcMode"]
    if mode == "host":
        record["ShmPath"] = _SHM
    elif mode == "shareable":
        owner = shown.root if shown else (0, 0)
        record["ShmPath"] = str(hostmounts.mount_shm(container, host["ShmSize"], owner))
        undo.callback(hostmounts.unmount_shm, container)
    elif mode.startswith("container:"):
        record["ShmPath"] = _donor_shm(containers, joined(mode))
    else:
        record["ShmPath"] = ""
        return []
    return [UserMount(_SHM, record["ShmPath"], propagation="rprivate", ours=True)]


def _donor_shm(containers: Containers, ref: str) -> str:
    doing = "failed to join IPC namespace"
    if not ref:
        raise InvalidArgument(f'{doing}: invalid name or ID supplied: ""')
    donor = _running(containers, ref, doing)
    mode = donor.host_config["IpcMode"]
    if mode not in ("shareable", "host"):
        raise InvalidArgument(
            f"{doing}: container {donor.id}: non-shareable IPC "
            "(hint: use IpcMode:shareable for the donor container)"
        )
    return str(donor.record.get("ShmPath") or _SHM)


def _devices(host: Json) -> tuple[list[Json], list[Json]]:
    nodes: list[Json] = devices.all_of_host() if host["Privileged"] else []
    rules: list[Json] = []
    for mapping in host["Devices"] or ():
        found = devices.requested(mapping)
        nodes += found
        rules += devices.node_rules(found, mapping.get("CgroupPermissions") or "rwm")
    return nodes, rules


def _bound(host: Json) -> list[UserMount]:
    """Devices of the host for a user namespace, which may make no nodes."""
    found = [pair for mapping in host["Devices"] or () for pair in devices.located(mapping)]
    return [
        UserMount(node["path"], path, propagation="rprivate", recursive=False, ours=True)
        for path, node in found
    ]


def _inject(containers: Containers, document: Json, host: Json) -> None:
    """Devices that vendors describe. Raises SystemFailure for what nobody does."""
    if host["DeviceRequests"]:
        known = cdi.discover(containers.config.cdi_spec_dirs)
        names = cdi.wanted(host["DeviceRequests"], known)
        unprivileged = containers.config.rootless or "uidMappings" in document["linux"]
        cdi.inject(document, [known[name] for name in names], bind_devices=unprivileged)


def _spawn(
    containers: Containers,
    container: Container,
    record: Json,
    host: Json,
    plan: Json,
    attachment: Any,
) -> tuple[int, int]:
    """(pid, started ns) once the program was executed."""
    config = record["Config"]
    logging = _log(containers, container, record)
    rows, columns = host.get("ConsoleSize") or (0, 0)
    try:
        return plans.spawn(
            containers,
            container.id,
            plan,
            stdio={
                "tty": config["Tty"],
                "open_stdin": config["OpenStdin"],
                "stdin_once": config["StdinOnce"],
                "rows": rows,
                "cols": columns,
            },
            log=logging.scribe,
            attachment=attachment,
        )
    except OrlopError:
        if logging.job is not None:
            containers.couriers.end(container.id)
        raise


def _log(containers: Containers, container: Container, record: Json) -> logopts.LogPlan:
    """The log file, there from the start on, as in Docker; the courier told of the rest."""
    plan = logopts.plan(container, record, containers.couriers.spool(container.id))
    path = plan.scribe["path"]
    record["LogPath"] = path if plan.scribe["driver"] == "json-file" else ""
    if plan.job is not None:
        containers.couriers.begin(container.id, plan.job)
        plan.scribe["position"] = str(containers.couriers.position(container.id))
    if path:  # the scribe opens it a moment later
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640))
    return plan
