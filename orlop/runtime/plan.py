"""OCI spec → launch plan: everything decided, nothing done. Pure, marshal-able, printable.

    make_plan(spec, id, layout, seccomp=…, container_ops=…) -> plan of a container
    make_exec_plan(process, spec facts …)                    -> plan of a process inside one

A plan's `steps` are tuples (name, arguments…) that `init.STEPS` executes in order.
"""

from __future__ import annotations

import os

from orlop.errors import InvalidArgument
from orlop.kernel import mount, namespace
from orlop.runtime import mountoptions, sysctls
from orlop.runtime.cgroup.layout import Layout, relative_path
from orlop.runtime.cgroup.plan import Group, cgroup_steps, group_of
from orlop.runtime.processplan import memory_policy_of, personality_of, process_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Json = dict[str, Any]
    Step = tuple[Any, ...]

NAMESPACES = {
    "mount": namespace.CLONE_NEWNS,
    "uts": namespace.CLONE_NEWUTS,
    "ipc": namespace.CLONE_NEWIPC,
    "pid": namespace.CLONE_NEWPID,
    "network": namespace.CLONE_NEWNET,
    "cgroup": namespace.CLONE_NEWCGROUP,
    "time": namespace.CLONE_NEWTIME,
    "user": namespace.CLONE_NEWUSER,
}
# After clone3: the cgroup namespace's root is where the process is, so it comes after the attach.
_LATE = namespace.CLONE_NEWCGROUP | namespace.CLONE_NEWTIME

_NODES = (
    ("/dev/null", 1, 3),
    ("/dev/random", 1, 8),
    ("/dev/full", 1, 7),
    ("/dev/tty", 5, 0),
    ("/dev/zero", 1, 5),
    ("/dev/urandom", 1, 9),
)
_LINKS = (
    ("/proc/self/fd", "/dev/fd", ""),
    ("/proc/self/fd/0", "/dev/stdin", ""),
    ("/proc/self/fd/1", "/dev/stdout", ""),
    ("/proc/self/fd/2", "/dev/stderr", ""),
    ("/proc/kcore", "/dev/core", "/proc/kcore"),
    ("pts/ptmx", "/dev/ptmx", ""),
)


def make_plan(
    spec: Json,
    id: str,
    layout: Layout,
    *,
    seccomp: bytes | None = None,
    seccomp_flags: int = 0,
    container_ops: Sequence[Step] = (),
    keyring: bool = True,
    pivot: bool = True,
    map_root: bool = False,
    bind_devices: bool = False,
    create_hooks: tuple[list[Json], str, str] | None = None,
) -> Json:
    """`layout`: of `cgroup.layout.detect`; `pivot`: pivot_root(2), else the mount is moved;
    `map_root`: show the rootfs with the owners of the user namespace; `bind_devices`: we are in a
    user namespace ourselves, which may make no device nodes; `create_hooks`: createContainer hooks
    and the two halves of the state that they are told, without the pid between them.

    Raises InvalidArgument for what cannot be built.
    """
    linux = spec.get("linux") or {}
    process = process_plan(spec["process"], seccomp=seccomp, seccomp_flags=seccomp_flags)
    process["personality"] = personality_of(linux.get("personality"))
    process["memory_policy"] = memory_policy_of(linux.get("memoryPolicy"))
    flags, joins, join_pid, join_mount = _namespaces(linux.get("namespaces") or ())
    user_namespace = _user_namespace(linux, flags, joins)
    group = group_of(
        layout, relative_path(linux.get("cgroupsPath") or "", id), linux.get("resources") or {}
    )
    private_cgroups = bool(flags & namespace.CLONE_NEWCGROUP)
    sources = _Sources(user_namespace, bind_devices or bool(user_namespace))
    if map_root and user_namespace:
        sources.steps.append(("idmap", 0, user_namespace["uids"], user_namespace["gids"], False))
    # with a user namespace one that was not made in it is joined before: see launch
    steps: list[Step] = [] if user_namespace else [("join", flag, path) for flag, path in joins]
    if spec["process"].get("oomScoreAdj") is not None:
        steps.append(("oom", spec["process"]["oomScoreAdj"]))
    if keyring:
        steps.append(("keyring", id, bool(user_namespace)))
    steps += cgroup_steps(group)
    if flags & _LATE:
        steps.append(("unshare", flags & _LATE))
    if linux.get("timeOffsets"):
        steps.append(("time", _time_offsets(linux["timeOffsets"])))
    building = _rootfs(spec, sources, group, layout, private_cgroups)
    steps += [("open", 0, spec["root"]["path"], True), *sources.steps]
    if join_mount:
        steps.append(("join", namespace.CLONE_NEWNS, join_mount))
    steps += building
    if spec["process"].get("apparmorProfile"):
        steps.insert(0, ("apparmor", spec["process"]["apparmorProfile"]))
    if create_hooks:
        steps.append(("createhooks", *create_hooks))
    steps.append(("wait",))
    if container_ops:
        steps.append(("network", list(container_ops)))
    steps += [("sysctl", sysctls.path(n), v) for n, v in (linux.get("sysctl") or {}).items()]
    if spec.get("hostname"):
        steps.append(("hostname", spec["hostname"]))
    if spec.get("domainname"):
        steps.append(("domainname", spec["domainname"]))
    steps += _finishing(spec, pivot)
    return {
        "id": id,
        "clone_flags": flags & ~_LATE,
        "joins": sorted({p.partition(":")[2] for p in [*(p for _, p in joins), join_pid] if p}),
        "join_pid": join_pid,
        "join_first": joins if user_namespace else [],
        "steps": steps,
        "steps_network": bool(container_ops),
        "user_namespace": user_namespace,
        "terminal": bool(spec["process"].get("terminal")),
        "cgroup_directories": group.directories,
        "process": process,
    }


def make_exec_plan(
    process: Json,
    cgroup_directories: Sequence[str],
    *,
    namespaces: int,
    seccomp: bytes | None = None,
    seccomp_flags: int = 0,
    keyring: str = "",
    user_namespace: Json | None = None,
) -> Json:
    """`process`: OCI process; `namespaces`: CLONE_NEW* that the container has of its own;
    `keyring`: its name, the container's ID ("" joins none); `user_namespace`: the mappings of its
    own ({"uids", "gids"}, as a container's plan has them).
    """
    from orlop.runtime import verdict  # a container's own plan does without

    console = process.get("consoleSize") or {}
    return {
        "namespaces": namespaces,
        "cgroup_directories": list(cgroup_directories),
        "terminal": bool(process.get("terminal")),
        "size": (int(console.get("height", 0)), int(console.get("width", 0))),
        "oom_score": process.get("oomScoreAdj"),
        "apparmor": process.get("apparmorProfile") or "",
        "keyring": keyring,
        "restrict_first": seccomp is None or verdict.lets_fork(seccomp),
        "user_namespace": user_namespace,
        "process": process_plan(process, seccomp=seccomp, seccomp_flags=seccomp_flags),
    }


def exec_namespaces(spec_namespaces: Sequence[Json]) -> int:
    """The flags that a process joining this container needs."""
    flags = 0
    for entry in spec_namespaces:
        flags |= NAMESPACES.get(entry["type"], 0)
    return flags


def _namespaces(entries: Sequence[Json]) -> tuple[int, list[tuple[int, str]], str, str]:
    """(flags of new ones, [(flag, path) to join], the PID and the mount namespace to join)."""
    flags, joins, join_pid, join_mount = 0, [], "", ""
    for entry in entries:
        kind, path = entry["type"], entry.get("path") or ""
        if kind not in NAMESPACES:
            raise InvalidArgument(f"namespace {kind!r} is not supported")
        if not path:
            flags |= NAMESPACES[kind]
        elif kind == "pid":
            join_pid = path
        elif kind == "mount":
            join_mount = path
        else:
            joins.append((NAMESPACES[kind], path))
    # that of the user is joined last: before it we may enter those it does not own
    joins.sort(key=lambda join: join[0] == namespace.CLONE_NEWUSER)
    return flags | (0 if join_mount else namespace.CLONE_NEWNS), joins, join_pid, join_mount


def _user_namespace(linux: Json, flags: int, joins: list[tuple[int, str]]) -> Json | None:
    """{"uids", "gids": [(inside, outside, count)], "new"} when the container has its own."""
    joined = any(flag == namespace.CLONE_NEWUSER for flag, _ in joins)
    if not joined and not flags & namespace.CLONE_NEWUSER:
        return None
    return {
        "uids": mappings(linux.get("uidMappings")),
        "gids": mappings(linux.get("gidMappings")),
        "new": not joined,
    }


def mappings(entries: Sequence[Json] | None) -> list[tuple[int, int, int]]:
    """OCI ID mappings as (inside, outside, count)."""
    return [(e["containerID"], e["hostID"], e["size"]) for e in entries or ()]


def _time_offsets(offsets: Json) -> list[tuple[str, int, int]]:
    return [
        (clock, int(entry.get("secs") or 0), int(entry.get("nanosecs") or 0))
        for clock, entry in offsets.items()
    ]


class _Sources:
    """Numbers the host paths that are cloned before the host's tree is out of reach."""

    def __init__(self, user_namespace: Json | None, bind_devices: bool) -> None:
        self.steps: list[Step] = []
        self.bind_devices = bind_devices
        self.user_namespace = user_namespace
        self._count = 0

    def add(self, path: str, recursive: bool, follow: bool = True, inside: str = "") -> int:
        self._count += 1  # 0 is the rootfs
        more = (inside,) if inside else ()
        self.steps.append(("open", self._count, path, recursive, follow, *more))
        return self._count

    def map(self, number: int, options: mountoptions.Options, entry: Json) -> None:
        """Show the files with other owners (mount_setattr's ATTR_IDMAP)."""
        own = self.user_namespace or {"uids": [], "gids": []}
        uids = mappings(entry.get("uidMappings")) or own["uids"]
        gids = mappings(entry.get("gidMappings")) or own["gids"]
        if not uids or not gids:
            raise InvalidArgument(f"mount {entry['destination']}: idmap needs ID mappings")
        self.steps.append(("idmap", number, uids, gids, options.idmap.startswith("ridmap")))


def _rootfs(
    spec: Json, sources: _Sources, group: Group, layout: Layout, private_cgroups: bool
) -> list[Step]:
    linux = spec.get("linux") or {}
    propagation, _ = mountoptions.propagation_of(linux.get("rootfsPropagation") or "")
    steps: list[Step] = [("root", (propagation or mount.MS_SLAVE) | mount.MS_REC)]
    own_dev = True
    for entry in spec.get("mounts") or ():
        options = mountoptions.parse(entry.get("options") or ())
        target = entry["destination"]
        if entry.get("type") == "cgroup" and not options.bind:
            steps.append(_cgroup_mount(target, options, sources, group, layout, private_cgroups))
        elif options.bind or entry.get("type") == "bind":
            if not entry.get("source"):
                raise InvalidArgument(f"mount {target}: a bind mount needs a source")
            inside = entry.get("subpath") or ""  # ours: not of the runtime-spec
            follow = not options.strict_source
            number = sources.add(entry["source"], options.recursive, follow, inside)
            if options.idmap or entry.get("uidMappings"):
                sources.map(number, options, entry)
            steps.append(
                (
                    "bind", number, entry["source"], target,
                    (options.set, options.clear, options.set_all, options.clear_all),
                    options.propagation, options.propagation_recursive,
                )
            )  # fmt: skip
            own_dev = own_dev and os.path.normpath(target) != "/dev"
        else:
            kind = entry.get("type") or "none"
            steps.append(
                (
                    "mount", target, kind, entry.get("source") or kind, options.data,
                    options.set | options.set_all, options.propagation, options.copy_up,
                )
            )  # fmt: skip
    nodes = [_device(node) for node in linux.get("devices") or ()]
    if own_dev:
        nodes = [
            *(
                ("device", path, "c", (major, minor), 0o666, (0, 0))
                for path, major, minor in _NODES
            ),
            *(("symlink", text, path, needs) for text, path, needs in _LINKS),
            *nodes,
        ]
    return steps + [_shown(node, sources) for node in nodes]


def _shown(step: Step, sources: _Sources) -> Step:
    """A user namespace may make no device nodes: the host's are bound instead."""
    if step[0] != "device" or step[2] == "p" or not sources.bind_devices:
        return step
    path = step[1]
    return ("bind", sources.add(path, False), path, path, (0, 0, 0, 0), 0, False)


def _device(node: Json) -> Step:
    mode = node.get("fileMode")
    return (
        "device",
        node["path"],
        node.get("type") or "c",
        (int(node.get("major") or 0), int(node.get("minor") or 0)),
        0o666 if mode is None else mode,
        (int(node.get("uid") or 0), int(node.get("gid") or 0)),
    )


def _cgroup_mount(
    target: str,
    options: mountoptions.Options,
    sources: _Sources,
    group: Group,
    layout: Layout,
    private: bool,
) -> Step:
    if not layout.v1:
        return ("cgroups", target, options.set, [], [])
    hierarchies: list[tuple[str, Any]] = []
    links: list[tuple[str, str]] = []
    for top, controllers in layout.tops().items():
        name = os.path.basename(top)
        if private:
            words: list[tuple[str, str | None]] = []
            for controller in controllers:
                key, equals, value = controller.partition("=")
                words.append((key, value if equals else None))
            if any(key == "name" for key, _ in words):
                words.insert(0, ("none", None))
            hierarchies.append((name, words))
        else:
            path = f"{top}/{group.relative}"
            hierarchies.append((name, sources.add(path, False)))
        links += [(name, c) for c in controllers if c != name and "=" not in c]
    return ("cgroups", target, options.set, hierarchies, links)


def _finishing(spec: Json, pivot: bool) -> list[Step]:
    linux = spec.get("linux") or {}
    process = spec["process"]
    steps: list[Step] = []
    if process.get("terminal"):
        console = process.get("consoleSize") or {}
        size = (int(console.get("height", 0)), int(console.get("width", 0)))
        uid = int((process.get("user") or {}).get("uid") or 0)
        steps.append(("terminal", uid, size))
    cwd = process.get("cwd") or "/"
    if cwd != "/":
        steps.append(("directory", cwd))
    if linux.get("maskedPaths"):
        steps.append(("mask", list(linux["maskedPaths"])))
    if linux.get("readonlyPaths"):
        steps.append(("readonly", list(linux["readonlyPaths"])))
    propagation, recursive = mountoptions.propagation_of(linux.get("rootfsPropagation") or "")
    attributes = mount.ATTR_RDONLY if spec["root"].get("readonly") else 0
    if attributes:
        steps.append(("attributes", attributes, 0, False))
    steps.append(("pivot", pivot))
    if propagation:  # not before: pivot_root refuses a shared new root
        steps.append(("attributes", 0, propagation, recursive))
    return steps
