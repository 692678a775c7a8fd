"""One container in full, in Docker 28's shape and key order."""

from __future__ import annotations

from typing import Any

from orlop.container import links
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import OrlopError

Json = dict[str, Any]

_ENDPOINT = (
    "IPAMConfig",
    "Links",
    "Aliases",
    "MacAddress",
    "DriverOpts",
    "GwPriority",
    "NetworkID",
    "EndpointID",
    "Gateway",
    "IPAddress",
    "IPPrefixLen",
    "IPv6Gateway",
    "GlobalIPv6Address",
    "GlobalIPv6PrefixLen",
    "DNSNames",
)
_BRIDGE_TOP = (
    ("EndpointID", ""),
    ("Gateway", ""),
    ("GlobalIPv6Address", ""),
    ("GlobalIPv6PrefixLen", 0),
    ("IPAddress", ""),
    ("IPPrefixLen", 0),
    ("IPv6Gateway", ""),
    ("MacAddress", ""),
)


def _with_mac(record: Json) -> Json:
    """Config with the address that was asked for the main network, as before API 1.44."""
    config: Json = record.get("Config") or {}
    networks = (record.get("NetworkSettings") or {}).get("Networks") or {}
    mode = str((record.get("HostConfig") or {}).get("NetworkMode") or "bridge")
    wanted = (networks.get("bridge" if mode == "default" else mode) or {}).get("DesiredMacAddress")
    return {**config, "MacAddress": wanted} if wanted else config


def inspect(containers: Containers, ref: str, size: bool = False) -> Json:
    container = containers.get(ref)
    with container.lock:
        record, host = container.record, container.host_config
        out: Json = {
            "Id": container.id,
            "Created": record.get("Created", ""),
            "Path": record.get("Path", ""),
            "Args": record.get("Args") or [],
            "State": state(container),
            "Image": record.get("Image", ""),
            "ResolvConfPath": record.get("ResolvConfPath", ""),
            "HostnamePath": record.get("HostnamePath", ""),
            "HostsPath": record.get("HostsPath", ""),
            "LogPath": record.get("LogPath", ""),
            "Name": f"/{container.name}",
            "RestartCount": record.get("RestartCount", 0),
            "Driver": record.get("Driver", "overlay2"),
            "Platform": record.get("OS") or "linux",
            "MountLabel": record.get("MountLabel", ""),
            "ProcessLabel": record.get("ProcessLabel", ""),
            "AppArmorProfile": record.get("AppArmorProfile", ""),
            "ExecIDs": sorted(container.exec_ids) or None,
            "HostConfig": {**host, "Links": links.shown(containers, container)},
            "GraphDriver": _graph_driver(containers, container),
        }
        if size:
            out["SizeRw"], out["SizeRootFs"] = sizes(containers, container)
        out["Mounts"] = mounts(record)
        out["Config"] = _with_mac(record)
        out["NetworkSettings"] = _network_settings(record.get("NetworkSettings") or {})
    return out


def state(container: Container) -> Json:
    s = container.state
    out: Json = {
        "Status": s.status,
        "Running": s.running,
        "Paused": s.paused,
        "Restarting": s.restarting,
        "OOMKilled": s.oom_killed,
        "Dead": s.dead,
        "Pid": s.pid,
        "ExitCode": s.exit_code,
        "Error": s.error or container.damaged,
        "StartedAt": s.started_at,
        "FinishedAt": s.finished_at,
    }
    if s.health is not None:
        out["Health"] = {
            "Status": s.health.get("Status", "none"),
            "FailingStreak": s.health.get("FailingStreak", 0),
            "Log": s.health.get("Log") or [],
        }
    return out


def _graph_driver(containers: Containers, container: Container) -> Json:
    name = containers.layers.driver.name
    try:
        data = containers.layers.graph_data(container.id)
    except (OrlopError, OSError):
        return {"Data": None, "Name": name}
    return {"Data": {"ID": container.id, **data} if data else None, "Name": name}


def sizes(containers: Containers, container: Container) -> tuple[int, int]:
    """(bytes of the writable layer, of all layers)."""
    written = containers.layers.size_writable(container.id)
    shared = 0
    parent = containers.layers.writable(container.id).parent
    if parent is not None:
        shared = sum(layer.size for layer in containers.layers.chain(parent))
    return written, written + shared


def mounts(record: Json, *, exact: bool = True) -> list[Json]:
    """The mount points. Not `exact`: as list shows them, image volumes without their source."""
    out = []
    for point in (record.get("MountPoints") or {}).values():
        hidden = not exact and point.get("Type") == "volume" and not point.get("Spec")
        entry: Json = {"Type": point.get("Type", "")}
        if point.get("Name"):
            entry["Name"] = point["Name"]
        entry["Source"] = "" if hidden else point.get("Source", "")
        entry["Destination"] = point.get("Destination", "")
        if point.get("Driver"):
            entry["Driver"] = point["Driver"]
        entry["Mode"] = point.get("Relabel", "")
        entry["RW"] = point.get("RW", True)
        entry["Propagation"] = point.get("Propagation", "")
        out.append(entry)
    return out


def networks(settings: Json) -> Json:
    """NetworkSettings.Networks with exactly the API's fields."""
    return {
        name: {key: endpoint.get(key) for key in _ENDPOINT}
        for name, endpoint in (settings.get("Networks") or {}).items()
    }


def _network_settings(settings: Json) -> Json:
    out: Json = {
        "Bridge": settings.get("Bridge", ""),
        "SandboxID": settings.get("SandboxID", ""),
        "SandboxKey": settings.get("SandboxKey", ""),
        "Ports": settings.get("Ports") or {},
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
    }
    # Before API 1.52 the default bridge's endpoint is repeated at the top.
    bridge = (settings.get("Networks") or {}).get("bridge") or {}
    for key, default in _BRIDGE_TOP:
        out[key] = bridge.get(key) or default
    out["Networks"] = networks(settings)
    return out
