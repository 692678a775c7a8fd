"""The Config and HostConfig a record stores: the request's, completed from image and defaults.

Pure. The key order is Docker 28's, so that records and `inspect` read alike.
"""

from __future__ import annotations

from typing import Any

from orlop.errors import InvalidArgument

Json = dict[str, Any]

_OMIT: Any = object()  # a key that is absent, not null, when unset

_CONFIG: Json = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": _OMIT,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Healthcheck": _OMIT,
    "ArgsEscaped": _OMIT,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "NetworkDisabled": _OMIT,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": _OMIT,
    "StopTimeout": _OMIT,
    "Shell": _OMIT,
}

_HOST_CONFIG: Json = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": None,
    "NetworkMode": "",
    "PortBindings": None,
    "RestartPolicy": None,
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [0, 0],
    "Annotations": _OMIT,
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "StorageOpt": _OMIT,
    "Tmpfs": _OMIT,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 0,
    "Sysctls": _OMIT,
    "Runtime": "",
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": None,
    "PidsLimit": None,
    "Ulimits": None,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "Mounts": _OMIT,
    "MaskedPaths": None,
    "ReadonlyPaths": None,
    "Init": _OMIT,
}

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def _shaped(given: Json, shape: Json) -> Json:
    out: Json = {}
    for key, default in shape.items():
        value = given.get(key)
        if value is None:
            if default is _OMIT:
                continue
            value = list(default) if isinstance(default, list) else default
        elif default is _OMIT and value in ("", {}, [], False):
            if key != "Init":  # Init is a pointer: false is not the same as unset
                continue
        out[key] = value
    return out


def config(given: Json, image: Json | None) -> Json:
    """The container's Config: `given` over the image config's `config` object (OCI)."""
    out = _shaped(given, _CONFIG)
    base: Json = (image or {}).get("config") or {}
    out["User"] = out["User"] or base.get("User") or ""
    _union(out, base, "ExposedPorts")
    _union(out, base, "Volumes")
    if out["Env"]:
        names = {entry.split("=", 1)[0] for entry in out["Env"]}
        inherited = [e for e in base.get("Env") or () if e.split("=", 1)[0] not in names]
        out["Env"] = [*out["Env"], *inherited]
    else:
        out["Env"] = base.get("Env")
    out["Labels"] = {**(base.get("Labels") or {}), **(out["Labels"] or {})}
    if not out["Entrypoint"]:
        if not out["Cmd"]:
            out["Cmd"] = base.get("Cmd")
            if base.get("ArgsEscaped"):
                out["ArgsEscaped"] = True
        if given.get("Entrypoint") is None:
            out["Entrypoint"] = base.get("Entrypoint")
    if out["Entrypoint"] == [""]:  # `--entrypoint ""` clears it
        out["Entrypoint"] = None
    _healthcheck(out, base.get("Healthcheck"))
    out["WorkingDir"] = out["WorkingDir"] or base.get("WorkingDir") or ""
    if not out.get("StopSignal") and base.get("StopSignal"):
        out["StopSignal"] = base["StopSignal"]
    if not out["Entrypoint"] and not out["Cmd"]:
        raise InvalidArgument("no command specified")
    return {key: out[key] for key in _CONFIG if key in out}


def _union(out: Json, base: Json, key: str) -> None:
    if key in out or base.get(key):
        merged = {**(base.get(key) or {}), **(out.get(key) or {})}
        out[key] = merged if merged else None


def _healthcheck(out: Json, base: Any) -> None:
    if not isinstance(base, dict) or not base:
        return
    mine = out.get("Healthcheck")
    if not mine:
        out["Healthcheck"] = dict(base)
        return
    keys = ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
    out["Healthcheck"] = {k: mine.get(k) or base[k] for k in keys if mine.get(k) or base.get(k)}


def host_config(
    given: Json,
    *,
    shm_size: int,
    ipc_mode: str,
    cgroupns_mode: str,
    runtime: str,
    log_driver: str,
    log_opts: Json,
    userns_mode: str = "",
    pids_limit: int = 0,
) -> Json:
    """The container's HostConfig with the daemon's defaults filled in."""
    out = _shaped(given, _HOST_CONFIG)
    out["LogConfig"] = _log_config(out["LogConfig"] or {}, log_driver, log_opts)
    if out["NetworkMode"] in ("", "default"):
        out["NetworkMode"] = "bridge"
    policy = out["RestartPolicy"] or {}
    out["RestartPolicy"] = {
        "Name": policy.get("Name") or "no",
        "MaximumRetryCount": policy.get("MaximumRetryCount") or 0,
    }
    out["ShmSize"] = out["ShmSize"] or shm_size
    out["IpcMode"] = out["IpcMode"] or ipc_mode
    out["CgroupnsMode"] = out["CgroupnsMode"] or cgroupns_mode
    out["Runtime"] = out["Runtime"] or runtime
    out["OomKillDisable"] = bool(out["OomKillDisable"])
    if out["Memory"] > 0 and out["MemorySwap"] == 0:
        out["MemorySwap"] = 2 * out["Memory"]  # as much swap as memory
    out["UsernsMode"] = out["UsernsMode"] or userns_mode
    out["PidsLimit"] = out["PidsLimit"] or pids_limit  # 0 is what clients send for "not named"
    if out["PidsLimit"] is not None and out["PidsLimit"] <= 0:
        out["PidsLimit"] = None
    if out["MemorySwappiness"] == -1:
        out["MemorySwappiness"] = None
    _paths(out, given)
    _label_opts(out)
    return {key: out[key] for key in _HOST_CONFIG if key in out}


def _log_config(log: Json, driver: str, opts: Json) -> Json:
    kind = log.get("Type") or driver
    mine = log.get("Config") or {}
    if kind != driver:  # what is kept for reading is the same question for every driver
        opts = {k: v for k, v in opts.items() if k.startswith("cache-")}
    return {"Type": kind, "Config": {**opts, **mine}}


def _paths(out: Json, given: Json) -> None:
    if out["Privileged"]:
        out["MaskedPaths"] = out["ReadonlyPaths"] = None
        return
    if given.get("MaskedPaths") is None:
        out["MaskedPaths"] = list(MASKED_PATHS)
    if given.get("ReadonlyPaths") is None:
        out["ReadonlyPaths"] = list(READONLY_PATHS)


def _label_opts(out: Json) -> None:
    # Docker writes this down for shared namespaces, with or without SELinux.
    shared = out["Privileged"] or out["IpcMode"] == "host" or out["PidMode"] == "host"
    opts = list(out["SecurityOpt"] or ())
    if shared and "label=disable" not in opts:
        out["SecurityOpt"] = [*opts, "label=disable"]


def endpoint(settings: Json | None) -> Json:
    """An EndpointSettings of the request as NetworkSettings.Networks shows it."""
    given = settings or {}
    return {
        "IPAMConfig": given.get("IPAMConfig"),
        "Links": given.get("Links"),
        "Aliases": given.get("Aliases"),
        "MacAddress": given.get("MacAddress") or "",
        "DriverOpts": given.get("DriverOpts"),
        "GwPriority": given.get("GwPriority") or 0,
        "NetworkID": "",
        "EndpointID": "",
        "Gateway": "",
        "IPAddress": "",
        "IPPrefixLen": 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": None,
        "IPAMOperational": False,
        "DesiredMacAddress": given.get("MacAddress") or "",
    }


def network_settings(networks: Json, **known: Any) -> Json:
    """NetworkSettings of a record, in Docker's key order."""
    return {
        "Bridge": "",
        "SandboxID": known.get("SandboxID", ""),
        "SandboxKey": known.get("SandboxKey", ""),
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Networks": networks,
        "Service": None,
        "Ports": known.get("Ports", {}),
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "HasSwarmEndpoint": False,
    }
