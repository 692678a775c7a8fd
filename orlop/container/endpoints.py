"""The networks a container asks for at create, checked, in the shape of its record. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from orlop.container import merge
from orlop.container.model import joined
from orlop.errors import InvalidArgument

Json = dict[str, Any]

PREDEFINED = ("bridge", "host", "none")
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.ASCII | re.IGNORECASE)


def build(config: Json, host: Json, networking: Json | None) -> Json:
    """NetworkSettings.Networks of a new record. `config`: the request's. Raises InvalidArgument."""
    mode = host["NetworkMode"]
    given: Json = dict((networking or {}).get("EndpointsConfig") or {})
    if "default" in given and mode == "bridge":
        given["bridge"] = given.pop("default")
    mac = config.get("MacAddress") or ""
    for name, settings in given.items():
        _check(name, settings or {})
    if config.get("NetworkDisabled") or joined(mode):
        if given and joined(mode):
            raise InvalidArgument(
                "conflicting options: cannot attach both user-defined and "
                "non-user-defined network-modes"
            )
        return {}
    mine = dict(given.pop(mode, None) or {})
    if mac:
        if not _MAC.fullmatch(mac):
            raise InvalidArgument(f"invalid config for network {mode}: invalid MAC address {mac}")
        own = mine.get("MacAddress")
        if own and own.lower() != mac.lower():
            raise InvalidArgument(
                "the container-wide MAC address must match the endpoint-specific MAC address "
                "for the main network, or be left empty"
            )
        mine["MacAddress"] = mac
    out = {mode: merge.endpoint(mine)}
    if mode in ("host", "none") and given:
        raise InvalidArgument(
            "conflicting options: cannot attach both user-defined and "
            "non-user-defined network-modes"
        )
    for name, settings in given.items():
        out[name] = merge.endpoint(settings)
    return out


def _check(name: str, settings: Json) -> None:
    prefix = f"invalid config for network {name}: "
    mac = settings.get("MacAddress")
    if mac and not _MAC.fullmatch(mac):
        raise InvalidArgument(f"{prefix}invalid MAC address {mac}")
    ipam = settings.get("IPAMConfig") or {}
    wrong = _addresses(ipam)
    problems = list(wrong)
    if name not in PREDEFINED:
        if problems:
            raise _invalid(prefix, problems)
        return
    problems = []
    if settings.get("Aliases"):
        problems.append(
            "network-scoped alias is supported only for containers in user defined networks"
        )
    if ipam.get("IPv4Address") or ipam.get("IPv6Address"):
        problems.append("user specified IP address is supported on user defined networks only")
    if ipam.get("IPv6Address"):  # the default bridge's own subnet counts as chosen, for IPv4
        wrong.append(
            "user specified IP address is supported only when connecting to networks with user "
            "configured subnets"
        )
    if problems or wrong:
        raise _invalid(prefix, [*problems, *wrong])


def _invalid(prefix: str, problems: list[str]) -> InvalidArgument:
    if len(problems) > 1:
        problems = [f"* {problem}" for problem in problems]
    return InvalidArgument(f"{prefix}invalid endpoint settings:\n" + "\n".join(problems))


def _addresses(ipam: Json) -> list[str]:
    problems = []
    for key, version in (("IPv4Address", 4), ("IPv6Address", 6)):
        given = ipam.get(key)
        if given and not _is_address(given, version):
            problems.append(f"invalid IPv{version} address: {given}")
    for given in ipam.get("LinkLocalIPs") or ():
        if not _is_address(given, 0):
            problems.append(f"invalid link-local IP address: {given}")
    return problems


def _is_address(text: str, version: int) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not version or found.version == version
