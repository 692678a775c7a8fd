"""Checks of a request to create a container, with Docker's texts.

Each function raises InvalidArgument (Docker's 400) or SystemFailure where Docker says 500, or
returns warnings. The order is Docker's where more than one thing is wrong.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from orlop.container import caps, ports, signals
from orlop.container.model import joined
from orlop.errors import InvalidArgument, SystemFailure

Json = dict[str, Any]

MAC_DEPRECATED = (
    "The container-wide MacAddress field is now deprecated. "
    "It should be specified in EndpointsConfig instead."
)
_PLAIN = {"", "host", "private"}


def config(document: Json) -> None:
    """The container's own Config."""
    directory = document.get("WorkingDir") or ""
    if directory and not directory.startswith("/"):
        raise InvalidArgument(
            f"the working directory '{directory}' is invalid, it needs to be an absolute path"
        )
    _no_nul(document)
    if document.get("StopSignal"):
        signals.parse(document["StopSignal"])
    for entry in document.get("Env") or ():
        if entry.startswith("="):
            raise InvalidArgument(f"invalid environment variable: {entry}")
    if "" in (document.get("Env") or ()):
        raise InvalidArgument("invalid environment variable: ")
    _healthcheck(document.get("Healthcheck"))


def _no_nul(document: Json) -> None:
    # execve(2), mount(2) and sethostname(2) end a string at NUL: what follows would be dropped.
    words = [document.get(k) for k in ("User", "WorkingDir", "Hostname", "Domainname")]
    for key in ("Env", "Cmd", "Entrypoint"):
        words.extend(document.get(key) or ())
    if any(isinstance(w, str) and "\0" in w for w in words):
        raise InvalidArgument("invalid argument: strings must not contain a NUL character")


def _healthcheck(check: Json | None) -> None:
    if not check:
        return
    for key in ("Interval", "Timeout", "StartPeriod", "StartInterval"):
        if 0 != (check.get(key) or 0) < 1_000_000:
            raise InvalidArgument(f"{key} in Healthcheck cannot be less than 1ms")
    if (check.get("Retries") or 0) < 0:
        raise InvalidArgument("Retries in Healthcheck cannot be negative")


def modes(given: Json, host: Json) -> None:
    """Namespace modes against each other. `given`: the request's Config, before any default."""
    network = str(host.get("NetworkMode") or "")
    hostname = given.get("Hostname")
    if network == "container" or (network.startswith("container:") and not joined(network)):
        raise InvalidArgument("invalid network mode: invalid container format container:<name|id>")
    uts, ipc, pid = (str(host.get(k) or "") for k in ("UTSMode", "IpcMode", "PidMode"))
    if uts not in ("", "host"):
        raise InvalidArgument(f"invalid UTS mode: {uts}")
    if uts == "host" and hostname:
        raise InvalidArgument("conflicting options: hostname and the UTS mode")
    if network == "host" and host.get("Links"):
        raise InvalidArgument(
            "conflicting options: host type networking can't be used with links. "
            "This would result in undefined behavior"
        )
    if joined(network):
        _joined_network(given, host)
    if ipc not in ("", "none", "private", "shareable", "host") and not ipc.startswith("container:"):
        raise InvalidArgument(f"invalid IPC mode: {ipc}")
    if pid not in ("", "host") and not joined(pid):
        raise InvalidArgument(f"invalid PID mode: {pid}")
    cgroupns = str(host.get("CgroupnsMode") or "")
    if cgroupns not in _PLAIN:
        raise InvalidArgument(f"invalid cgroup namespace mode: {cgroupns}")
    userns = str(host.get("UsernsMode") or "")
    if userns not in ("", "host") and not userns.startswith("auto"):
        raise InvalidArgument(f"invalid user namespace mode: {userns}")


def foreign_options(host: Json) -> None:
    """What Docker's decoder refuses already: options of other systems."""
    isolation = host.get("Isolation") or ""
    if isolation.lower() not in ("", "default"):
        raise InvalidArgument(f"invalid isolation ({isolation}): linux only supports 'default'")
    for key, what in (("IOMaximumBandwidth", "bandwidth"), ("IOMaximumIOps", "IOPs")):
        if host.get(key):
            raise InvalidArgument(
                f"invalid option: QoS maximum {what} configuration is not supported on linux"
            )
    shares = host.get("CpuShares") or 0
    if shares < 0:
        raise InvalidArgument(f"invalid CPU shares ({shares}): value must be a positive integer")


def _joined_network(given: Json, host: Json) -> None:
    conflict = "conflicting options: "
    if given.get("Hostname"):
        raise InvalidArgument(conflict + "hostname and the network mode")
    if host.get("Links"):
        raise InvalidArgument(
            conflict + "container type network can't be used with links. "
            "This would result in undefined behavior"
        )
    if host.get("Dns"):
        raise InvalidArgument(conflict + "dns and the network mode")
    if host.get("ExtraHosts"):
        raise InvalidArgument(conflict + "custom host-to-IP mapping and the network mode")
    if host.get("PublishAllPorts") or host.get("PortBindings"):
        raise InvalidArgument(conflict + "port publishing and the container type network mode")
    if given.get("ExposedPorts"):
        raise InvalidArgument(conflict + "port exposing and the container type network mode")


def host_config(host: Json, runtimes: tuple[str, ...]) -> list[str]:
    """HostConfig apart from resources and mounts, defaults already filled in; warnings."""
    restart_policy(host["RestartPolicy"])
    if host["AutoRemove"] and host["RestartPolicy"]["Name"] != "no":
        raise InvalidArgument("can't create 'AutoRemove' container with restart policy")
    for key in host.get("Annotations") or ():
        if not key:
            raise InvalidArgument(
                "invalid Annotations: the empty string is not permitted as an annotation key"
            )
    caps.normal(host["CapAdd"] or (), "CapAdd")
    caps.normal(host["CapDrop"] or (), "CapDrop")
    if host["Runtime"] not in runtimes:
        raise InvalidArgument(f"unknown or invalid runtime name: {host['Runtime']}")
    ports.check(host["PortBindings"] or {})
    _extra_hosts(host["ExtraHosts"] or ())
    for name in host["Dns"] or ():
        _nameserver(name)
    for key in host.get("StorageOpt") or ():
        if key == "size":
            raise SystemFailure(
                "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
            )
        raise SystemFailure(f"Unknown option {key}")
    if host["CgroupParent"] and not re.fullmatch(r"[^\0\n]{1,4096}", host["CgroupParent"]):
        raise InvalidArgument(f"invalid cgroup parent: {host['CgroupParent']!r}")
    for link in host["Links"] or ():
        if link.count(":") > 1 or not link:
            raise SystemFailure(f"bad format for links: {link}")
    warnings = []
    if host["NetworkMode"] == "host" and host["PortBindings"]:
        warnings.append("Published ports are discarded when using host network mode")
    return warnings


def restart_policy(policy: Json) -> None:
    name, count = policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0
    if name not in ("no", "always", "on-failure", "unless-stopped"):
        raise InvalidArgument(
            f"invalid restart policy: unknown policy '{name}'; "
            "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )
    if name == "on-failure":
        if count < 0:
            raise InvalidArgument("invalid restart policy: maximum retry count cannot be negative")
    elif count:
        text = "invalid restart policy: maximum retry count can only be used with 'on-failure'"
        raise InvalidArgument(text + (" and cannot be negative" if count < 0 else ""))


def _extra_hosts(hosts: Any) -> None:
    for entry in hosts:
        name, separator, address = entry.partition(":")
        if not separator or not name:
            raise InvalidArgument(f'bad format for add-host: "{entry}"')
        if address != "host-gateway":
            try:
                ipaddress.ip_address(address.strip("[]"))
            except ValueError:
                raise InvalidArgument(f'invalid IP address in add-host: "{address}"') from None


def _nameserver(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise SystemFailure(
            f'bad nameserver address {text}: ParseAddr("{text}"): unable to parse IP'
        ) from None
