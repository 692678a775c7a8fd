"""The names that Docker's Go types have in error texts, where they cannot be derived."""

from __future__ import annotations

from typing import Any

from msgspec import inspect

from orlop.api import models

WORD = "string?"  # an element of what may be one word or a list of words

RANGES = {
    "int64": (-(1 << 63), (1 << 63) - 1),
    "int": (-(1 << 63), (1 << 63) - 1),
    "time.Duration": (-(1 << 63), (1 << 63) - 1),
    "uint16": (0, (1 << 16) - 1),
    "fs.FileMode": (0, (1 << 32) - 1),
    # Docker has 2^64 - 1; nothing that takes these numbers takes more than a signed one.
    "uint": (0, (1 << 63) - 1),
    "uint64": (0, (1 << 63) - 1),
}

_STRUCTS: dict[type, str] = {
    models.Config: "container.CreateRequest",
    models.CreateContainer: "container.CreateRequest",
    models.UpdateConfig: "container.UpdateConfig",
    models.Exec: "container.ExecOptions",
    models.ExecStart: "container.ExecStartOptions",
    models.Auth: "registry.AuthConfig",
    models.CreateVolume: "volume.CreateOptions",
    models.CreateNetwork: "network.CreateRequest",
    models.Connect: "network.ConnectOptions",
    models.Disconnect: "network.DisconnectOptions",
    models.HealthConfig: "v1.HealthcheckConfig",
    models.WeightDevice: "blkiodev.WeightDevice",
    models.ThrottleDevice: "blkiodev.ThrottleDevice",
    models.DeviceMapping: "container.DeviceMapping",
    models.DeviceRequest: "container.DeviceRequest",
    models.Ulimit: "units.Ulimit",
    models.RestartPolicy: "container.RestartPolicy",
    models.HostConfig: "container.HostConfig",
    models.LogConfig: "container.LogConfig",
    models.PortBinding: "nat.PortBinding",
    models.Mount: "mount.Mount",
    models.BindOptions: "mount.BindOptions",
    models.VolumeOptions: "mount.VolumeOptions",
    models.DriverConfig: "mount.Driver",
    models.ImageOptions: "mount.ImageOptions",
    models.TmpfsOptions: "mount.TmpfsOptions",
    models.Networking: "network.NetworkingConfig",
    models.Endpoint: "network.EndpointSettings",
    models.EndpointIPAM: "network.EndpointIPAMConfig",
    models.IPAM: "network.IPAM",
    models.Pool: "network.IPAMConfig",
    models.ConfigReference: "network.ConfigReference",
}
_POINTERS = (models.WeightDevice, models.ThrottleDevice, models.Ulimit, models.Endpoint)

_FIELDS = {
    "ExposedPorts": "nat.PortSet",
    "Volumes": "map[string]struct {}",
    "PortBindings": "nat.PortMap",
    "Interval": "time.Duration",
    "Timeout": "time.Duration",
    "StartPeriod": "time.Duration",
    "StartInterval": "time.Duration",
    "Retries": "int",
    "StopTimeout": "int",
    "BlkioWeight": "uint16",
    "Weight": "uint16",
    "Rate": "uint64",
    "IOMaximumIOps": "uint64",
    "IOMaximumBandwidth": "uint64",
    "Count": "int",
    "MaximumRetryCount": "int",
    "OomScoreAdj": "int",
    "GwPriority": "int",
    "IPPrefixLen": "int",
    "GlobalIPv6PrefixLen": "int",
    "ConsoleSize": "[2]uint",
    "Mode": "fs.FileMode",
    "NetworkMode": "container.NetworkMode",
    "CgroupnsMode": "container.CgroupnsMode",
    "IpcMode": "container.IpcMode",
    "PidMode": "container.PidMode",
    "UTSMode": "container.UTSMode",
    "UsernsMode": "container.UsernsMode",
    "Cgroup": "container.CgroupSpec",
    "Isolation": "container.Isolation",
    "Consistency": "mount.Consistency",
    "Propagation": "mount.Propagation",
    "ClusterOptions": "mount.ClusterOptions",
    "ClusterVolumeSpec": "volume.ClusterVolumeSpec",
}
_OF_STRUCT: dict[tuple[type, str], str] = {
    (models.RestartPolicy, "Name"): "container.RestartPolicyMode",
    (models.Mount, "Type"): "mount.Type",
}
_VALUES = {
    "nat.PortSet": "struct {}",
    "nat.PortMap": "[]nat.PortBinding",
}
_EMBEDDED = (models.Config, models.CreateContainer, models.Auth)  # Go leaves their name out


def root(shape: type) -> str:
    return _STRUCTS[shape]


def prefix(shape: type) -> str:
    """What a path begins with: the name of the outermost struct."""
    return "" if shape in _EMBEDDED else _STRUCTS[shape].partition(".")[2]


def field(owner: type, name: str, info: Any) -> str:
    return _OF_STRUCT.get((owner, name)) or _FIELDS.get(name) or _derived(info)


def item(go: str) -> str:
    """Of a slice or array."""
    return go.partition("]")[2].removeprefix("*")


def value(go: str) -> str:
    """Of a map."""
    return _VALUES.get(go) or go.partition("]")[2].removeprefix("*")


def _derived(info: Any) -> str:
    if isinstance(info, inspect.UnionType):
        return _derived(next(t for t in info.types if not isinstance(t, inspect.NoneType)))
    if isinstance(info, inspect.ListType):
        return "[]" + _pointed(info.item_type)
    if isinstance(info, inspect.DictType):
        return "map[string]" + _pointed(info.value_type)
    if isinstance(info, inspect.StructType):
        return _STRUCTS[info.cls]
    if isinstance(info, inspect.IntType):
        return "int64"
    return "bool" if isinstance(info, inspect.BoolType) else "string"


def _pointed(info: Any) -> str:
    if isinstance(info, inspect.UnionType):
        return _pointed(next(t for t in info.types if not isinstance(t, inspect.NoneType)))
    star = "*" if isinstance(info, inspect.StructType) and info.cls in _POINTERS else ""
    return star + _derived(info)
