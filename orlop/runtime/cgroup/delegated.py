"""What of the v2 tree belongs to a user: the highest group above our own that we may fill.

systemd delegates a user's groups so (systemd.resource-control(5), Delegate=); on v1 nothing is.
"""

from __future__ import annotations

import os

from orlop.runtime.cgroup.layout import Layout

_OWN = "/proc/self/cgroup"
_ROUNDS = 5
LEAF = "orlop-engine"  # where we go ourselves: a group with processes cannot limit groups below it


def delegated(found: Layout, own: str = _OWN) -> Layout:
    """`found` as far as it is ours: the delegated group as the top of a tree, or nothing."""
    top = "" if found.v1 else _top(found.unified, own)
    if not top:
        return Layout({})
    try:
        with open(f"{top}/cgroup.controllers", encoding="ascii") as file:
            return Layout({}, top, tuple(file.read().split()))
    except OSError:
        return Layout({})


def make_room(found: Layout, own: str = _OWN) -> None:
    """Leave the delegated group, should we be in it, for one below it: with all that are there,
    such as the command that started us and its shell."""
    top = "" if found.v1 else _top(found.unified, own)
    if not top or f"{found.unified}{_group(own)}" != top:
        return
    try:
        os.makedirs(f"{top}/{LEAF}", 0o755, exist_ok=True)
        for _ in range(_ROUNDS):  # others may start processes meanwhile
            with open(f"{top}/cgroup.procs", encoding="ascii") as file:
                pids = file.read().split()
            if not pids:
                return
            for pid in pids:
                _move(pid, f"{top}/{LEAF}/cgroup.procs")
    except OSError:
        pass  # then groups cannot have limits, and the kernel says so


def _move(pid: str, procs: str) -> None:
    try:
        with open(procs, "w", encoding="ascii") as file:
            file.write(pid)
    except ProcessLookupError:
        pass  # it has ended


def _group(own: str) -> str:
    try:
        with open(own, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    return next((line[3:].rstrip("/") for line in lines if line.startswith("0::/")), "")


def _top(unified: str, own: str) -> str:
    """ "" where not even our own group is ours."""
    path, top = _group(own), ""
    while unified and path.strip("/") and _ours(unified + path):
        top, path = unified + path, os.path.dirname(path)
    return top


def _ours(directory: str) -> bool:
    names = ("", "/cgroup.procs", "/cgroup.subtree_control")
    return all(os.access(directory + name, os.W_OK) for name in names)
