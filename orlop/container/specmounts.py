"""The `mounts` of a container's OCI spec: Docker's defaults, then the user's, in Docker's order.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orlop.container import failures
from orlop.container.mounts import tmpfs_data
from orlop.errors import SystemFailure

Json = dict[str, Any]

_DEFAULTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("/proc", "proc", "proc", ("nosuid", "noexec", "nodev")),
    ("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    (
        "/dev/pts",
        "devpts",
        "devpts",
        ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    ("/sys", "sysfs", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
    ("/sys/fs/cgroup", "cgroup", "cgroup", ("ro", "nosuid", "noexec", "nodev")),
    ("/dev/mqueue", "mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
    ("/dev/shm", "tmpfs", "shm", ("nosuid", "noexec", "nodev", "mode=1777")),
)
_STAY_WRITABLE = ("/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")

# Option words that exclude each other: the later one counts.
_TMPFS_GROUPS = (
    ("ro", "rw"),
    ("suid", "nosuid"),
    ("dev", "nodev"),
    ("exec", "noexec"),
    ("sync", "async"),
    ("dirsync",),
    ("mand", "nomand"),
    ("atime", "noatime", "relatime", "norelatime", "strictatime", "nostrictatime"),
    ("diratime", "nodiratime"),
    ("bind", "rbind"),
    ("remount",),
    ("defaults",),
    ("private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"),
)
_TMPFS_GROUP = {word: group for group in _TMPFS_GROUPS for word in group}
_TMPFS_DATA = ("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge")


@dataclass(frozen=True, slots=True)
class UserMount:
    """One mount of the user's or of ours, its source found."""

    target: str
    source: str = ""  # host path of a bind; "" makes a tmpfs
    writable: bool = True
    propagation: str = ""
    recursive: bool = True
    recursive_read_only: bool = True
    options: tuple[str, ...] = ()  # of a tmpfs
    mapped: bool = False  # shows the owners that a user namespace has
    ours: bool = False  # hosts, hostname, resolv.conf, shm, init: no user asked for it
    inside: str = ""  # of the source only what is at this path, which leads nowhere outside it


def from_point(point: Json, source: str, inside: str = "", *, mapped: bool = False) -> UserMount:
    """A record of MountPoints with the source that start found."""
    spec = point.get("Spec") or {}
    target, writable = point["Destination"], bool(point.get("RW", True))
    if point.get("Type") == "tmpfs":
        data = tmpfs_data(spec.get("TmpfsOptions") or {}, read_only=not writable)
        return UserMount(target, options=tuple(data))
    bind = spec.get("BindOptions") or {}
    return UserMount(
        target,
        source,
        writable,
        point.get("Propagation") or "",
        recursive=not bind.get("NonRecursive"),
        recursive_read_only=not bind.get("ReadOnlyNonRecursive"),
        inside=inside,
        mapped=mapped,
    )


def build(
    user: Iterable[UserMount],
    *,
    host: Json,
    shm_size: int,
    writable_cgroups: bool | None,
    mapped: bool = False,
) -> list[Json]:
    """`mapped`: the container has a user namespace. Raises SystemFailure for a tmpfs option Docker
    does not know."""
    mounts = sorted(user, key=lambda m: m.target.rstrip("/").count("/"))
    targets = {m.target for m in mounts}
    if "/" in targets:  # an image can declare such a volume
        source = next(m.source for m in mounts if m.target == "/")
        raise failures.launch_error(
            f'error mounting "{source}" to rootfs at "/": '
            "create mountpoint for / mount: mountpoint is on the top of rootfs"
        )[0]
    out = _defaults(targets, host, shm_size, writable_cgroups)
    out.extend(_one(m, mapped) for m in mounts)
    if host["ReadonlyRootfs"]:
        asked = {m.target for m in mounts if not m.ours}
        for mount in out:
            target = mount["destination"]
            if target in _STAY_WRITABLE or target in asked:
                continue
            if host["Privileged"] and target in ("/sys", "/sys/fs/cgroup"):
                continue
            if not {"ro", "rro"} & set(mount["options"]):
                mount["options"].append("ro")
    return out


def _defaults(
    targets: set[str], host: Json, shm_size: int, writable_cgroups: bool | None
) -> list[Json]:
    out: list[Json] = []
    for target, kind, source, options in _DEFAULTS:
        if target in targets or ("/dev" in targets and target.startswith("/dev/")):
            continue
        words = list(options)
        if target == "/dev/shm":
            if host["IpcMode"] == "none":
                continue
            words.append(f"size={shm_size}")
        if host["Privileged"] and "ro" in words:
            words.remove("ro")
        if target == "/sys/fs/cgroup" and writable_cgroups is not None:
            words = [w for w in words if w != "ro"]
            if not writable_cgroups:
                words.insert(0, "ro")
        out.append({"destination": target, "type": kind, "source": source, "options": words})
    return out


def _one(mount: UserMount, mapped: bool) -> Json:
    if not mount.source:
        words = ["noexec", "nosuid", "nodev", "rprivate", *mount.options]
        return {
            "destination": mount.target,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": merge_tmpfs(words),
        }
    options = ["rbind" if mount.recursive else "bind"]
    if not mount.writable:
        options.append("rro" if mount.recursive_read_only else "ro")
    if mount.propagation:
        options.append(mount.propagation)
    if mapped and mount.mapped:
        options.append("idmap")
    out = {
        "destination": mount.target,
        "type": "bind",
        "source": mount.source,
        "options": options,
    }
    if mount.inside:
        out["subpath"] = mount.inside
    return out


def merge_tmpfs(words: Iterable[str]) -> list[str]:
    """Of options that exclude each other the last one stays. Raises SystemFailure."""
    out: list[str] = []
    seen: set[object] = set()
    for word in reversed(list(words)):
        name, separator, _ = word.partition("=")
        key: object
        if not separator and word in _TMPFS_GROUP:
            key = _TMPFS_GROUP[word]
        elif separator and name in _TMPFS_DATA:
            key = name
        elif not word:
            continue
        else:
            raise SystemFailure(f'invalid tmpfs option "{name}"')
        if key not in seen and word != "defaults":
            seen.add(key)
            out.append(word)
    return out[::-1]


def root_propagation(mounts: Iterable[UserMount]) -> str:
    """What the root must be so that shared and slave volumes can work."""
    found = {m.propagation for m in mounts}
    if found & {"shared", "rshared"}:
        return "shared"
    return "rslave" if found & {"slave", "rslave"} else ""
