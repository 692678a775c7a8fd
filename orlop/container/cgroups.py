"""The control group of a container, from the daemon's side."""

from __future__ import annotations

from typing import Any

from orlop.container.containers import Containers

Json = dict[str, Any]


def path(containers: Containers, id: str, host: Json) -> str:
    """What the spec's `linux.cgroupsPath` says: below the container's or the daemon's parent."""
    daemon = containers.config
    systemd = "native.cgroupdriver=systemd" in daemon.exec_opts
    parent = host.get("CgroupParent") or daemon.cgroup_parent
    if systemd:
        return f"{parent or 'orlop.slice'}:orlop:{id}"
    parts = [p for p in (parent or "/orlop").split("/") if p not in ("", ".", "..")]
    return "/" + "/".join([*parts, id])
