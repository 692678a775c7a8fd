"""API versions: which are served, and one ordered list of what older clients must see otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orlop.errors import InvalidArgument

Version = tuple[int, int]
Json = dict[str, Any]

MINIMUM: Version = (1, 24)
CURRENT: Version = (1, 50)


def text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


class TooOld(InvalidArgument):
    """Told in plain text: such clients read no JSON."""


def _numbers(given: str) -> Version:
    major, _, rest = given.partition(".")
    minor = rest.partition(".")[0]
    return int(major or 0), int(minor or 0)


def parse(given: str) -> Version:
    """Of a path's /v1.43; "" is the current one. Raises InvalidArgument with Docker's words."""
    if not given:
        return CURRENT
    version = _numbers(given)
    if version > CURRENT:
        raise InvalidArgument(
            f"client version {given} is too new. Maximum supported API version is {text(CURRENT)}"
        )
    if version < MINIMUM:
        raise TooOld(
            f"client version {given} is too old. Minimum supported API version is "
            f"{text(MINIMUM)}, please upgrade your client to a newer version"
        )
    return version


def _summary_1_46(row: Json) -> None:
    (row.get("HostConfig") or {}).pop("Annotations", None)


def _container_1_44(document: Json) -> None:
    for endpoint in (document.get("NetworkSettings", {}).get("Networks") or {}).values():
        endpoint.pop("DNSNames", None)
    (document.get("Config", {}).get("Healthcheck") or {}).pop("StartInterval", None)


def _container_1_45(document: Json) -> None:
    """Before 1.45 the short ID was listed among the aliases."""
    short = document["Id"][:12]
    for name, endpoint in (document.get("NetworkSettings", {}).get("Networks") or {}).items():
        if name not in ("bridge", "host", "none"):
            endpoint["Aliases"] = [*(endpoint.get("Aliases") or ()), short]


def _image_1_44(row: Json) -> None:
    """1.44 took VirtualSize away."""
    row["VirtualSize"] = row.get("Size", 0)


def _image_1_43(row: Json) -> None:
    """Before 1.43 an untagged image had these names."""
    if not row.get("RepoTags") and not row.get("RepoDigests"):
        row["RepoTags"] = ["<none>:<none>"]
        row["RepoDigests"] = ["<none>@<none>"]


def _info_1_44(document: Json) -> None:
    """1.44 added CDISpecDirs and took these."""
    document.pop("CDISpecDirs", None)
    for gone in ("KernelMemory",):
        document[gone] = False


def _info_1_46(document: Json) -> None:
    document.pop("Containerd", None)


def _info_1_47(document: Json) -> None:
    """1.47 dropped what libnetwork answered about bridge netfilter only in 1.50; see below."""
    for commit in ("ContainerdCommit", "RuncCommit", "InitCommit"):
        if commit in document:
            document[commit] = {**document[commit], "Expected": document[commit].get("ID", "")}


def _info_1_49(document: Json) -> None:
    document.pop("FirewallBackend", None)


def _info_1_50(document: Json) -> None:
    document.pop("DiscoveredDevices", None)
    document.setdefault("BridgeNfIptables", False)
    document.setdefault("BridgeNfIp6tables", False)


# (the first version that has the new shape, of what, change for older ones), newest first
_DOWNGRADES: tuple[tuple[Version, str, Callable[[Json], None]], ...] = (
    ((1, 50), "info", _info_1_50),
    ((1, 49), "info", _info_1_49),
    ((1, 47), "info", _info_1_47),
    ((1, 46), "info", _info_1_46),
    ((1, 46), "container summary", _summary_1_46),
    ((1, 45), "container", _container_1_45),
    ((1, 44), "container", _container_1_44),
    ((1, 44), "info", _info_1_44),
    ((1, 44), "image summary", _image_1_44),
    ((1, 44), "image", _image_1_44),
    ((1, 43), "image summary", _image_1_43),
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
