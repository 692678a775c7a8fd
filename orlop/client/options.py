"""What a container may be given, and its translation to the API's create request: pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from orlop.errors import InvalidArgument

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SECOND = 1_000_000_000  # nanoseconds

Published = int | str | tuple[str, int] | None | list["int | tuple[str, int]"]


@dataclass(frozen=True, slots=True)
class Mount:
    """`--mount`: a bind, volume, tmpfs or image at `target`."""

    target: str
    source: str = ""
    type: str = "volume"
    read_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)  # BindOptions, VolumeOptions, …

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"Type": self.type, "Target": self.target}
        if self.source:
            found["Source"] = self.source
        if self.read_only:
            found["ReadOnly"] = True
        if self.options:
            found[f"{self.type.capitalize()}Options"] = dict(self.options)
        return found


@dataclass(frozen=True, slots=True)
class Health:
    """A health check; times in seconds. A string is run by the container's shell."""

    test: str | Sequence[str]
    interval: float = 0
    timeout: float = 0
    start_period: float = 0
    start_interval: float = 0
    retries: int = 0

    def as_json(self) -> dict[str, Any]:
        test = ["CMD-SHELL", self.test] if isinstance(self.test, str) else ["CMD", *self.test]
        return {
            "Test": test,
            "Interval": int(self.interval * _SECOND),
            "Timeout": int(self.timeout * _SECOND),
            "StartPeriod": int(self.start_period * _SECOND),
            "StartInterval": int(self.start_interval * _SECOND),
            "Retries": self.retries,
        }


class Options(TypedDict, total=False):
    """Keyword arguments of `run`, `start` and `create`. Sizes are bytes or texts such as "64m"."""

    name: str
    env: Mapping[str, str] | Sequence[str]
    labels: Mapping[str, str]
    entrypoint: str | Sequence[str]
    workdir: str
    user: str
    hostname: str
    domainname: str
    tty: bool
    interactive: bool  # keep standard input open
    init: bool
    healthcheck: Health
    stop_signal: str
    stop_timeout: int  # seconds
    volumes: Sequence[str]  # as of -v: "/host:/inside:ro", "name:/inside"
    mounts: Sequence[Mount]
    tmpfs: Mapping[str, str]  # path -> options
    volumes_from: Sequence[str]
    ports: Mapping[int | str, Published]  # 80 or "53/udp" -> host port, (ip, port), None: any
    network: str
    aliases: Sequence[str]
    ip: str
    dns: Sequence[str]
    extra_hosts: Sequence[str]  # "name:address"
    links: Sequence[str]
    memory: int | str
    memory_swap: int | str
    cpus: float
    cpuset: str
    pids_limit: int
    shm_size: int | str
    ulimits: Mapping[str, int | tuple[int, int]]
    restart: str  # "no", "always", "unless-stopped", "on-failure:3"
    auto_remove: bool
    privileged: bool
    read_only: bool
    cap_add: Sequence[str]
    cap_drop: Sequence[str]
    security_opt: Sequence[str]
    devices: Sequence[str]  # "/dev/fuse:/dev/fuse:rwm"
    sysctls: Mapping[str, str]
    log_driver: str
    log_options: Mapping[str, str]
    runtime: str
    pid: str
    ipc: str
    config: Mapping[str, Any]  # laid over the request as it is: {"HostConfig": {…}}


_CONFIG = {
    "workdir": "WorkingDir", "user": "User", "hostname": "Hostname", "domainname": "Domainname",
    "tty": "Tty", "stop_signal": "StopSignal", "stop_timeout": "StopTimeout",
}  # fmt: skip
_HOST = {
    "volumes": "Binds", "tmpfs": "Tmpfs", "volumes_from": "VolumesFrom", "network": "NetworkMode",
    "dns": "Dns", "extra_hosts": "ExtraHosts", "links": "Links", "cpuset": "CpusetCpus",
    "pids_limit": "PidsLimit", "auto_remove": "AutoRemove", "privileged": "Privileged",
    "read_only": "ReadonlyRootfs", "cap_add": "CapAdd", "cap_drop": "CapDrop", "init": "Init",
    "security_opt": "SecurityOpt", "sysctls": "Sysctls", "runtime": "Runtime", "pid": "PidMode",
    "ipc": "IpcMode",
}  # fmt: skip
_SIZES = {"memory": "Memory", "memory_swap": "MemorySwap", "shm_size": "ShmSize"}
_ELSEWHERE = frozenset(
    (
        "name", "env", "labels", "entrypoint", "interactive", "healthcheck", "mounts", "ports",
        "aliases", "ip", "cpus", "ulimits", "restart", "devices", "log_driver", "log_options",
        "config",
    )
)  # fmt: skip


def request(image: str, command: str | Sequence[str] | None, given: Options) -> dict[str, Any]:
    """The body of POST /containers/create. Raises InvalidArgument; TypeError for another name."""
    values: dict[str, Any] = dict(given)
    unknown = values.keys() - _ELSEWHERE - _CONFIG.keys() - _HOST.keys() - _SIZES.keys()
    if unknown:
        raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
    interactive = bool(values.get("interactive"))
    body: dict[str, Any] = {
        "Image": image,
        "Cmd": words(command),
        "AttachStdout": True,
        "AttachStderr": True,
        "AttachStdin": interactive,
        "OpenStdin": interactive,
        "StdinOnce": interactive,
        "Env": variables(values.get("env")),
        "Labels": dict(values.get("labels") or {}),
    }
    if "entrypoint" in values:
        body["Entrypoint"] = words(values["entrypoint"])
    if "healthcheck" in values:
        body["Healthcheck"] = values["healthcheck"].as_json()
    body |= {theirs: values[ours] for ours, theirs in _CONFIG.items() if ours in values}
    body["HostConfig"] = host = _host(values)
    if "ports" in values:
        body["ExposedPorts"], host["PortBindings"] = ports(values["ports"])
    if values.keys() & {"aliases", "ip"}:
        endpoint: dict[str, Any] = {"Aliases": list(values.get("aliases") or [])}
        if values.get("ip"):
            endpoint["IPAMConfig"] = {"IPv4Address": values["ip"]}
        body["NetworkingConfig"] = {"EndpointsConfig": {values.get("network", "default"): endpoint}}
    _overlay(body, values.get("config") or {})
    return body


def _host(values: Mapping[str, Any]) -> dict[str, Any]:
    host: dict[str, Any] = {}
    for ours, theirs in _HOST.items():
        if ours in values:
            value = values[ours]
            host[theirs] = list(value) if isinstance(value, tuple) else value
    if "volumes" in values:
        host["Binds"] = [_bind(text) for text in values["volumes"]]
    for ours, theirs in _SIZES.items():
        if ours in values:
            host[theirs] = size(values[ours])
    if "mounts" in values:
        host["Mounts"] = [mount.as_json() for mount in values["mounts"]]
    if "cpus" in values:
        host["NanoCpus"] = int(values["cpus"] * _SECOND)
    if "restart" in values:
        name, _, count = values["restart"].partition(":")
        host["RestartPolicy"] = {"Name": name, "MaximumRetryCount": int(count or 0)}
    if "devices" in values:
        host["Devices"] = [_device(text) for text in values["devices"]]
    if "ulimits" in values:
        host["Ulimits"] = [_ulimit(name, limit) for name, limit in values["ulimits"].items()]
    if values.keys() & {"log_driver", "log_options"}:
        host["LogConfig"] = {
            "Type": values.get("log_driver", ""),
            "Config": dict(values.get("log_options") or {}),
        }
    return host


def words(command: str | Sequence[str] | None) -> list[str] | None:
    """A text is cut as a shell would, without running one."""
    if command is None:
        return None
    if isinstance(command, str):
        import shlex

        return shlex.split(command)
    return [os.fspath(word) for word in command]


def variables(env: Mapping[str, str] | Sequence[str] | None) -> list[str]:
    if isinstance(env, Mapping):
        return [f"{key}={value}" for key, value in env.items()]
    return list(env or ())


def size(value: int | str) -> int:
    """Bytes of 1048576, "64m", "1.5 GiB". Raises InvalidArgument."""
    if isinstance(value, int):
        return value
    if value == "-1":
        return -1
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise InvalidArgument(f"invalid size: '{value}'")
    return int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


def ports(given: Mapping[int | str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(ExposedPorts, PortBindings)."""
    exposed: dict[str, Any] = {}
    bindings: dict[str, Any] = {}
    for inside, outside in given.items():
        key = str(inside) if "/" in str(inside) else f"{inside}/tcp"
        exposed[key] = {}
        many: list[Any] = outside if isinstance(outside, list) else [outside]
        bindings[key] = [_binding(one) for one in many]
    return exposed, bindings


def _binding(outside: Any) -> dict[str, str]:
    if outside is None:
        return {"HostIp": "", "HostPort": ""}
    if isinstance(outside, tuple):
        return {"HostIp": outside[0], "HostPort": str(outside[1])}
    return {"HostIp": "", "HostPort": str(outside)}


def _bind(text: str) -> str:
    """A relative source counts from the working directory, as on the command line."""
    source, colon, rest = text.partition(":")
    return os.path.abspath(source) + colon + rest if source.startswith(".") and colon else text


def _device(text: str) -> dict[str, str]:
    outside, _, rest = text.partition(":")
    inside, _, permissions = rest.partition(":")
    return {
        "PathOnHost": outside,
        "PathInContainer": inside or outside,
        "CgroupPermissions": permissions or "rwm",
    }


def _ulimit(name: str, limit: int | tuple[int, int]) -> dict[str, Any]:
    soft, hard = limit if isinstance(limit, tuple) else (limit, limit)
    return {"Name": name, "Soft": soft, "Hard": hard}


def _overlay(body: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, Mapping) and isinstance(body.get(key), dict):
            _overlay(body[key], value)
        else:
            body[key] = value
