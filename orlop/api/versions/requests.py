"""What older clients mean otherwise: one ordered list of changes to bodies and queries.

A field that a version did not know is as if it were not there, whatever the client sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orlop.api.versions import Version
from orlop.errors import InvalidArgument

Json = dict[str, Any]


def _create_1_48(body: Json) -> None:
    for endpoint in _endpoints(body):
        endpoint.pop("GwPriority", None)
    for mount in _mounts(body):
        if mount.get("Type") == "image":
            raise InvalidArgument('Mount type "Image" needs API v1.48 or newer')


def _create_1_46(body: Json) -> None:
    for mount in _mounts(body):
        (mount.get("TmpfsOptions") or {}).pop("Options", None)


def _create_1_45(body: Json) -> None:
    for mount in _mounts(body):
        if (mount.get("VolumeOptions") or {}).get("Subpath"):
            raise InvalidArgument("VolumeOptions.Subpath needs API v1.45 or newer")


def _create_1_44(body: Json) -> None:
    (body.get("Healthcheck") or {}).pop("StartInterval", None)
    for endpoint in _endpoints(body):
        endpoint.pop("MacAddress", None)
    for mount in _mounts(body):
        options = mount.get("BindOptions") or {}
        options.pop("ReadOnlyForceRecursive", None)
        if mount.get("Type") == "bind" and mount.get("ReadOnly"):
            mount["BindOptions"] = {**options, "ReadOnlyNonRecursive": True}
        else:
            options.pop("ReadOnlyNonRecursive", None)


def _create_1_43(body: Json) -> None:
    _host(body).pop("Annotations", None)


def _create_1_42(body: Json) -> None:
    _host(body).pop("ConsoleSize", None)
    for mount in _mounts(body):
        (mount.get("BindOptions") or {}).pop("CreateMountpoint", None)
        kind = mount.get("Type")
        for owner, key in (("bind", "BindOptions"), ("volume", "VolumeOptions")):
            if kind != owner:
                mount.pop(key, None)
        if kind != "tmpfs":
            mount.pop("TmpfsOptions", None)


def _create_1_41(body: Json) -> None:
    host = _host(body)
    host["CgroupnsMode"] = host.get("CgroupnsMode") or "host"


def _create_1_40(body: Json) -> None:
    host = _host(body)
    host["IpcMode"] = host.get("IpcMode") or "shareable"
    for mount in _mounts(body):
        (mount.get("BindOptions") or {}).pop("NonRecursive", None)


def _create_1_25(body: Json) -> None:
    """Removal was the client's business."""
    _host(body)["AutoRemove"] = False


def _exec_1_42(body: Json) -> None:
    body.pop("ConsoleSize", None)


def _volume_1_42(body: Json) -> None:
    body.pop("ClusterVolumeSpec", None)


def _connect_1_48(body: Json) -> None:
    (body.get("EndpointConfig") or {}).pop("GwPriority", None)


def _update_1_40(body: Json) -> None:
    body.pop("PidsLimit", None)


# (the first version that has the new meaning, of what, change for older ones), newest first
_CHANGES: tuple[tuple[Version, str, Callable[[Json], None]], ...] = (
    ((1, 48), "container", _create_1_48),
    ((1, 48), "connect", _connect_1_48),
    ((1, 46), "container", _create_1_46),
    ((1, 45), "container", _create_1_45),
    ((1, 44), "container", _create_1_44),
    ((1, 43), "container", _create_1_43),
    ((1, 42), "container", _create_1_42),
    ((1, 42), "exec", _exec_1_42),
    ((1, 42), "volume", _volume_1_42),
    ((1, 41), "container", _create_1_41),
    ((1, 40), "container", _create_1_40),
    ((1, 40), "update", _update_1_40),
    ((1, 25), "container", _create_1_25),
)
# query parameters: (the first version that knows it, method and path, name)
_PARAMETERS: tuple[tuple[Version, str, str], ...] = (
    ((1, 49), "GET /images/{name}/json", "platform"),
    ((1, 42), "POST /containers/{id}/stop", "signal"),
    ((1, 42), "POST /containers/{id}/restart", "signal"),
    ((1, 42), "GET /images/json", "shared-size"),
    ((1, 42), "GET /system/df", "type"),
    ((1, 41), "POST /containers/create", "platform"),
    ((1, 41), "GET /containers/{id}/stats", "one-shot"),
    ((1, 32), "POST /images/create", "platform"),
    ((1, 30), "POST /containers/{id}/wait", "condition"),
)


def adapt(what: str, body: Json, version: Version) -> Json:
    """`body` as `version` meant it; changed in place. Raises InvalidArgument."""
    for since, kind, change in _CHANGES:
        if version >= since:
            break
        if kind == what:
            change(body)
    return body


def unknown(route: str, version: Version) -> list[str]:
    """Query parameters of a route (`METHOD /path/{id}`) that `version` did not know."""
    return [name for since, where, name in _PARAMETERS if where == route and version < since]


def _host(body: Json) -> Json:
    host: Json = body.setdefault("HostConfig", {})
    return host


def _mounts(body: Json) -> list[Json]:
    return list((body.get("HostConfig") or {}).get("Mounts") or ())


def _endpoints(body: Json) -> list[Json]:
    networking = body.get("NetworkingConfig") or {}
    return [e for e in (networking.get("EndpointsConfig") or {}).values() if e]
