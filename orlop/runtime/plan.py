"""OCI spec → launch plan: everything decided, nothing done. Pure, marshal-able, printable.

    make_plan(spec, id, layout, seccomp=…, container_ops=…) -> plan of a container
    make_exec_plan(process, spec facts …)                    -> plan of a process inside one

A plan's `steps` are tuples (name, arguments…) that `init.STEPS` executes in order.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from orlop.errors import InvalidArgument
from orlop.kernel import mount, namespace
from orlop.runtime import mountoptions, verdict
from orlop.runtime.cgroup.layout import Layout, relative_path
from orlop.runtime.cgroup.plan import Group, cgroup_steps, group_of
from orlop.runtime.processplan import process_plan

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
) -> Json:
    """`layout`: of `cgroup.layout.detect`. Raises InvalidArgument for what cannot be built."""
    linux = spec.get("linux") or {}
    process = process_plan(spec["process"], seccomp=seccomp, seccomp_flags=seccomp_flags)
    flags, joins, join_pid = _namespaces(linux.get("namespaces") or ())
    group = group_of(
        layout, relative_path(linux.get("cgroupsPath") or "", id), linux.get("resources") or {}
    )
    private_cgroups = bool(flags & namespace.CLONE_NEWCGROUP)
    sources = _Sources()
    steps: list[Step] = [("join", flag, path) for flag, path in joins]
    if spec["process"].get("oomScoreAdj") is not None:
        steps.append(("oom", spec["process"]["oomScoreAdj"]))
    steps.append(("keyring", id, False))
    steps += cgroup_steps(group)
    if flags & _LATE:
        steps.append(("unshare", flags & _LATE))
    building = _rootfs(spec, sources, group, layout, private_cgroups)
    steps += [("open", 0, spec["root"]["path"], True), *sources.steps, *building]
    if spec["process"].get("apparmorProfile"):
        steps.insert(0, ("apparmor", spec["process"]["apparmorProfile"]))
    steps.append(("wait",))
    if container_ops:
        steps.append(("network", list(container_ops)))
    steps += [("sysctl", n.replace(".", "/"), v) for n, v in (linux.get("sysctl") or {}).items()]
    if spec.get("hostname"):
        steps.append(("hostname", spec["hostname"]))
    if spec.get("domainname"):
        steps.append(("domainname", spec["domainname"]))
    steps += _finishing(spec)
    return {
        "id": id,
        "clone_flags": flags & ~_LATE,
        "joins": sorted({p.partition(":")[2] for p in [*(p for _, p in joins), join_pid] if p}),
        "join_pid": join_pid,
        "steps": steps,
        "steps_network": bool(container_ops),
        "user_namespace": None,
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
) -> Json:
    """`process`: OCI process; `namespaces`: CLONE_NEW* that the container has of its own;
    `keyring`: its name, the container's ID ("" joins none).
    """
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
        "user_namespace": None,
        "process": process_plan(process, seccomp=seccomp, seccomp_flags=seccomp_flags),
    }


def exec_namespaces(spec_namespaces: Sequence[Json]) -> int:
    """The flags that a process joining this container needs."""
    flags = 0
    for entry in spec_namespaces:
        flags |= NAMESPACES.get(entry["type"], 0)
    return flags


def _namespaces(entries: Sequence[Json]) -> tuple[int, list[tuple[int, str]], str]:
    """(flags of new ones, [(flag, path) to join], the PID namespace to join)."""
    flags, joins, join_pid = 0, [], ""
    for entry in entries:
        kind, path = entry["type"], entry.get("path") or ""
        if kind not in NAMESPACES:
            raise InvalidArgument(f"namespace {kind!r} is not supported")
        if not path:
            flags |= NAMESPACES[kind]
        elif kind == "pid":
            join_pid = path
        elif kind == "mount":
            raise InvalidArgument("joining a mount namespace is not supported")
        else:
            joins.append((NAMESPACES[kind], path))
    return flags | namespace.CLONE_NEWNS, joins, join_pid


class _Sources:
    """Numbers the host paths that are cloned before the host's tree is out of reach."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, path: str, recursive: bool) -> int:
        number = len(self.steps) + 1  # 0 is the rootfs
        self.steps.append(("open", number, path, recursive))
        return number


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
            number = sources.add(entry["source"], options.recursive)
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
                    options.set | options.set_all, options.propagation,
                )
            )  # fmt: skip
    if own_dev:
        steps += [
            ("device", path, "c", (major, minor), 0o666, (0, 0)) for path, major, minor in _NODES
        ]
        steps += [("symlink", text, path, needs) for text, path, needs in _LINKS]
    steps += [_device(node) for node in linux.get("devices") or ()]
    return steps


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


def _finishing(spec: Json) -> list[Step]:
    linux = spec.get("linux") or {}
    process = spec["process"]
    steps: list[Step] = []
    if process.get("terminal"):
        console = process.get("consoleSize") or {}
        size = (int(console.get("height", 0)), int(console.get("width", 0)))
        steps.append(("terminal", process["user"]["uid"], size))
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
    steps.append(("pivot",))
    if propagation:  # not before: pivot_root refuses a shared new root
        steps.append(("attributes", 0, propagation, recursive))
    return steps
