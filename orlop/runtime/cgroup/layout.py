"""Which control group hierarchies this host has, and the path of a group in them."""

from __future__ import annotations

import os

from orlop.errors import InvalidArgument
from orlop.kernel.mountinfo import TABLE, mounts

V1, V2, HYBRID = "v1", "v2", "hybrid"


class Layout:
    """v1: controllers each in a hierarchy; v2: one tree; hybrid: v1 controllers and a v2 tree."""

    __slots__ = ("unified", "unified_controllers", "v1")

    def __init__(
        self, v1: dict[str, str], unified: str = "", unified_controllers: tuple[str, ...] = ()
    ) -> None:
        self.v1 = v1  # controller (or "name=systemd") -> mount point; may share one
        self.unified = unified  # mount point of the v2 tree, "" without
        self.unified_controllers = unified_controllers  # those bound to the v2 tree

    @property
    def version(self) -> str:
        if not self.v1:
            return V2
        return HYBRID if self.unified else V1

    def tops(self) -> dict[str, list[str]]:
        """Mount point -> its v1 controllers, in mount order."""
        tops: dict[str, list[str]] = {}
        for controller, top in self.v1.items():
            tops.setdefault(top, []).append(controller)
        return tops

    def directories(self, relative: str) -> list[str]:
        """The group's directory in every hierarchy, that of the v2 tree last."""
        tops = [*self.tops(), *([self.unified] if self.unified else [])]
        return [f"{top}/{relative.strip('/')}" for top in tops]


def detect(table: str = TABLE) -> Layout:
    """Read it from the mount table. Raises OSError; an empty Layout where nothing is mounted."""
    v1: dict[str, str] = {}
    unified = ""
    for mount in mounts(table):
        if mount.kind == "cgroup2":
            unified = unified or mount.point
        elif mount.kind == "cgroup":
            for option in mount.options:
                if option not in ("rw", "ro", "xattr", "clone_children", "noprefix") and (
                    "=" not in option or option.startswith("name=")
                ):
                    v1.setdefault(option, mount.point)
    controllers: tuple[str, ...] = ()
    if unified:
        try:
            with open(f"{unified}/cgroup.controllers", encoding="utf-8") as file:
                controllers = tuple(file.read().split())
        except OSError:
            pass
    return Layout(v1, unified, controllers)


def relative_path(cgroups_path: str, container_id: str) -> str:
    """OCI linux.cgroupsPath as a path below the hierarchies' tops.

    "/orlop/ID" as it is; systemd's "a-b.slice:orlop:ID" is "/a.slice/a-b.slice/orlop-ID.scope".
    """
    if not cgroups_path:
        return f"orlop/{container_id}"
    if "/" not in cgroups_path and cgroups_path.count(":") == 2:
        parent, prefix, name = cgroups_path.split(":")
        unit = f"{prefix}-{name}.scope" if prefix else f"{name}.slice"
        return f"{_slice_path(parent or 'system.slice')}/{unit}".strip("/")
    parts = [part for part in cgroups_path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise InvalidArgument(f"invalid cgroup path: {cgroups_path}")
    return "/".join(parts)


def _slice_path(name: str) -> str:
    """systemd.slice(5): a-b.slice lies in a.slice; -.slice is the root."""
    if name == "-.slice":
        return ""
    stem, suffix = os.path.splitext(name)
    parts = stem.split("-")
    if suffix != ".slice" or "/" in name or "" in parts:
        raise InvalidArgument(f"invalid slice name: {name}")
    return "/".join("-".join(parts[: i + 1]) + ".slice" for i in range(len(parts)))
