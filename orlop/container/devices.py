"""Host devices a container asks for, as OCI device nodes and cgroup rules.

Looks at the host's /dev (never at a rootfs). A device directory gives all its devices, as Docker.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from orlop.errors import SystemFailure

Json = dict[str, Any]

_RULE = re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})", re.ASCII)
_SKIPPED = {"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"}  # not nodes of their own


def _rule(kind: str, access: str, major: int | None, minor: int | None) -> Json:
    out: Json = {"allow": True, "type": kind}
    if major is not None:
        out["major"] = major
    if minor is not None:
        out["minor"] = minor
    return {**out, "access": access}


DEFAULT_RULES: tuple[Json, ...] = (
    {"allow": False, "access": "rwm"},
    _rule("c", "rwm", 1, 5),  # zero
    _rule("c", "rwm", 1, 3),  # null
    _rule("c", "rwm", 1, 9),  # urandom
    _rule("c", "rwm", 1, 8),  # random
    _rule("c", "rwm", 5, 0),  # tty
    _rule("c", "rwm", 5, 1),  # console
    {"allow": False, "type": "c", "major": 10, "minor": 229, "access": "rwm"},  # fuse
)


def _node(inside: str, st: os.stat_result) -> Json:
    return {
        "path": inside,
        "type": "b" if stat.S_ISBLK(st.st_mode) else "c",
        "major": os.major(st.st_rdev),
        "minor": os.minor(st.st_rdev),
        "fileMode": stat.S_IMODE(st.st_mode),
        "uid": st.st_uid,
        "gid": st.st_gid,
    }


def _is_device(st: os.stat_result) -> bool:
    return stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode)


def requested(mapping: Json) -> list[Json]:
    """One entry of HostConfig.Devices as nodes. Raises SystemFailure with Docker's text."""
    return [node for _, node in located(mapping)]


def located(mapping: Json) -> list[tuple[str, Json]]:
    """As `requested`, each with its path on the host."""
    host = mapping.get("PathOnHost") or ""
    inside = mapping.get("PathInContainer") or host
    text = f'error gathering device information while adding custom device "{host}": '
    try:
        real = os.path.realpath(host)
        st = os.stat(real)
    except OSError as error:
        raise SystemFailure(text + (error.strerror or "").lower()) from None
    except ValueError:
        raise SystemFailure(text + "not a device node") from None
    if _is_device(st):
        return [(real, _node(inside, st))]
    if not stat.S_ISDIR(st.st_mode):
        raise SystemFailure(text + "not a device node")
    found = [
        (path, _node(inside.rstrip("/") + path[len(real.rstrip("/")) :], node))
        for path, node in _walk(real)
    ]
    if not found:
        raise SystemFailure(text + "not a device node")
    return found


def all_of_host() -> list[Json]:
    """What a privileged container gets."""
    return [_node(path, st) for path, st in _walk("/dev")]


def _walk(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(directory), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        try:
            st = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISDIR(st.st_mode):
            if entry.name not in _SKIPPED:
                yield from _walk(entry.path)
        elif _is_device(st) and entry.path != "/dev/console":  # the container has its own
            yield entry.path, st


def node_rules(nodes: list[Json], access: str) -> list[Json]:
    """Raises SystemFailure for letters other than r, w and m."""
    if not set(access) <= set("rwm"):
        raise SystemFailure(f"invalid device cgroup permissions: {access!r}")
    return [_rule(n["type"], access or "rwm", n["major"], n["minor"]) for n in nodes]


def cgroup_rule(text: str) -> Json:
    """One `--device-cgroup-rule`. Raises SystemFailure."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise SystemFailure(f"invalid device cgroup rule format: '{text}'")
    kind, major, minor, access = match.groups()
    return _rule(
        kind, access, None if major == "*" else int(major), None if minor == "*" else int(minor)
    )


def block_number(path: str) -> tuple[int, int]:
    """(major, minor) of a device given to a blkio limit. Raises SystemFailure."""
    try:
        st = os.stat(path)
    except (OSError, ValueError):
        raise SystemFailure(f"stat {path}: no such file or directory") from None
    return os.major(st.st_rdev), os.minor(st.st_rdev)
