"""What older clients must see otherwise: one ordered list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orlop.api.versions import Version

Json = dict[str, Any]


def _info_1_50(document: Json) -> None:
    document.pop("DiscoveredDevices", None)
    document.setdefault("BridgeNfIptables", False)
    document.setdefault("BridgeNfIp6tables", False)


def _info_1_49(document: Json) -> None:
    document.pop("FirewallBackend", None)
    registries = document.setdefault("RegistryConfig", {})
    registries["AllowNondistributableArtifactsCIDRs"] = None
    registries["AllowNondistributableArtifactsHostnames"] = None
    for commit in ("ContainerdCommit", "RuncCommit", "InitCommit"):
        if (document.get(commit) or {}).get("ID"):
            document[commit] = {**document[commit], "Expected": document[commit]["ID"]}


def _summary_1_46(row: Json) -> None:
    (row.get("HostConfig") or {}).pop("Annotations", None)


def _info_1_46(document: Json) -> None:
    document.pop("Containerd", None)


def _container_1_45(document: Json) -> None:
    """The other names of the container were listed among the aliases."""
    names = [document["Id"][:12], (document.get("Config") or {}).get("Hostname")]
    for name, endpoint in (document.get("NetworkSettings", {}).get("Networks") or {}).items():
        if name not in ("bridge", "host", "none"):
            aliases = [*(endpoint.get("Aliases") or ()), *names]
            endpoint["Aliases"] = list(dict.fromkeys(filter(None, aliases)))


def _image_1_45(document: Json) -> None:
    document.setdefault("ContainerConfig", dict(_NO_CONTAINER))


_NO_CONTAINER: Json = {
    "Hostname": "", "Domainname": "", "User": "", "AttachStdin": False, "AttachStdout": False,
    "AttachStderr": False, "Tty": False, "OpenStdin": False, "StdinOnce": False, "Env": None,
    "Cmd": None, "Image": "", "Volumes": None, "WorkingDir": "", "Entrypoint": None,
    "OnBuild": None, "Labels": None,
}  # fmt: skip


def _container_1_44(document: Json) -> None:
    (document.get("Config", {}).get("Healthcheck") or {}).pop("StartInterval", None)


def _info_1_44(document: Json) -> None:
    for runtime in (document.get("Runtimes") or {}).values():
        runtime.pop("status", None)


def _image_1_44(row: Json) -> None:
    row["VirtualSize"] = row.get("Size", 0)


def _info_1_42(document: Json) -> None:
    if document.get("KernelMemoryTCP"):
        document["KernelMemory"] = True


def _image_1_43(row: Json) -> None:
    """An untagged image had these names."""
    if not row.get("RepoTags") and not row.get("RepoDigests"):
        row["RepoTags"] = ["<none>:<none>"]
        row["RepoDigests"] = ["<none>@<none>"]
    for names in ("RepoTags", "RepoDigests"):
        row[names] = row.get(names) or None


# (the first version that has the new shape, of what, change for older ones), newest first
_DOWNGRADES: tuple[tuple[Version, str, Callable[[Json], None]], ...] = (
    ((1, 50), "info", _info_1_50),
    ((1, 49), "info", _info_1_49),
    ((1, 46), "container summary", _summary_1_46),
    ((1, 46), "info", _info_1_46),
    ((1, 45), "container", _container_1_45),
    ((1, 45), "image", _image_1_45),
    ((1, 44), "container", _container_1_44),
    ((1, 44), "info", _info_1_44),
    ((1, 44), "image summary", _image_1_44),
    ((1, 44), "image", _image_1_44),
    ((1, 43), "image summary", _image_1_43),
    ((1, 42), "info", _info_1_42),
)


def shape(what: str, document: Json, version: Version) -> Json:
    """`document` as `version` knew it; changed in place."""
    for since, kind, change in _DOWNGRADES:
        if version >= since:
            break
        if kind == what:
            change(document)
    return document


def is_shaped(what: str, version: Version) -> bool:
    """Whether `shape` would change anything."""
    return any(kind == what and version < since for since, kind, _ in _DOWNGRADES)
