"""An endpoint: checked, addressed, and as the container's record shows it."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from orlop.errors import InvalidArgument, SystemFailure
from orlop.network import model, sysctls
from orlop.network.drivers import bridge, sublink
from orlop.network.ipam import Address
from orlop.network.model import Block, Endpoint, Network
from orlop.network.networks import Networks, Sandbox

Json = dict[str, Any]

_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.ASCII | re.IGNORECASE)
_INTERFACE = re.compile(r"[^\s/:\0]{1,15}")
_NOT_CHOSEN = (
    "user specified IP address is supported only when connecting to networks with user "
    "configured subnets"
)


def check(network: Network, settings: Mapping[str, Any]) -> None:
    """Endpoint settings against their network. Raises InvalidArgument with Docker's texts."""
    ipam = settings.get("IPAMConfig") or {}
    problems = []
    if network.predefined:
        if settings.get("Aliases"):
            problems.append(
                "network-scoped alias is supported only for containers in user defined networks"
            )
        if ipam.get("IPv4Address") or ipam.get("IPv6Address"):
            problems.append("user specified IP address is supported on user defined networks only")
    problems += addresses(ipam)
    for key, version in (("IPv4Address", 4), ("IPv6Address", 6)):
        if version == 4 and network.name == "bridge":
            continue  # its own subnet counts as chosen
        problem = _outside(network, ipam.get(key) or "", version)
        if problem:
            problems.append(problem)
    problems += sysctls.problems(settings)
    if problems:
        if len(problems) > 1:
            problems = [f"* {problem}" for problem in problems]
        raise InvalidArgument("invalid endpoint settings:\n" + "\n".join(problems))
    mac = settings.get("DesiredMacAddress") or settings.get("MacAddress")
    if mac and not _MAC.fullmatch(mac):
        raise InvalidArgument(f"invalid MAC address {mac}")


def addresses(ipam: Mapping[str, Any]) -> list[str]:
    """What in an IPAMConfig is no address of its kind."""
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


def _outside(network: Network, text: str, version: int) -> str:
    """Docker's complaint about a wanted address that no given subnet has."""
    if not text:
        return ""
    given = [b.subnet for b in network.active if b.given and b.subnet.version == version]
    if not given:
        return _NOT_CHOSEN
    if _is_address(text, version) and any(ipaddress.ip_address(text) in s for s in given):
        return ""
    return f"no configured subnet or ip-range contain the IP address {text}"


def make(
    networks: Networks,
    network: Network,
    container_id: str,
    name: str,
    settings: Mapping[str, Any],
    interface: str,
    hostname: str,
) -> Endpoint:
    """Take addresses for a new endpoint on a bridge network; undo with `networks.release`."""
    id = secrets.token_hex(32)
    ipam = settings.get("IPAMConfig") or {}
    ipv4 = _allocate(networks, network, 4, container_id, ipam.get("IPv4Address"))
    try:
        ipv6 = _allocate(networks, network, 6, container_id, ipam.get("IPv6Address"))
    except BaseException:
        networks.release(Endpoint(id, network.id, container_id, name, ipv4=ipv4), unused=True)
        raise
    mac = settings.get("DesiredMacAddress") or bridge.endpoint_mac(ipv4, id)
    if network.driver == "ipvlan":
        if settings.get("DesiredMacAddress"):
            networks.release(
                Endpoint(id, network.id, container_id, name, ipv4=ipv4, ipv6=ipv6), unused=True
            )
            raise SystemFailure("ipvlan interfaces do not support custom mac address assignment")
        mac = ""  # its link has the parent's
    elif network.driver == "macvlan":
        mac = settings.get("DesiredMacAddress") or sublink.mac()
    return Endpoint(
        id,
        network.id,
        container_id,
        name,
        interface=interface,
        host_interface=host_interface(id),
        mac=mac.lower().replace("-", ":"),
        ipv4=ipv4,
        ipv6=ipv6,
        names=dns_names(network, container_id, name, hostname, settings.get("Aliases") or ()),
        settings=dict(settings),
    )


def _allocate(
    networks: Networks, network: Network, version: int, container_id: str, wanted: str | None
) -> Address | None:
    if version == 6 and not network.ipv6:
        return None
    address = ipaddress.ip_address(wanted) if wanted else None
    try:
        return networks.allocate(network, version, container_id, address)
    except SystemFailure:
        raise SystemFailure(
            f"no available IPv{version} addresses on this network's address pools: "
            f"{network.name} ({network.id})"
        ) from None


def host_interface(endpoint_id: str) -> str:
    """The host end's name: enough of the ID that thousands do not collide, and IFNAMSIZ holds."""
    return "veth" + endpoint_id[:10]


def dns_names(
    network: Network, container_id: str, name: str, hostname: str, aliases: Iterable[str]
) -> tuple[str, ...]:
    """What the container is called on a user-defined network."""
    if network.predefined:
        return ()
    return tuple(dict.fromkeys(n for n in (name, *aliases, container_id[:12], hostname) if n))


def settings(network: Network, endpoint: Endpoint) -> Json:
    """The endpoint in NetworkSettings.Networks; keys it does not know stay as they were."""
    block4, block6 = network.block(4), network.block(6)
    known: Json = {
        "NetworkID": network.id,
        "EndpointID": endpoint.id,
        "MacAddress": endpoint.mac,
        "Gateway": _gateway(network, block4),
        "IPAddress": _text(endpoint.ipv4),
        "IPPrefixLen": block4.subnet.prefixlen if block4 and endpoint.ipv4 else 0,
        "IPv6Gateway": _gateway(network, block6),
        "GlobalIPv6Address": _text(endpoint.ipv6),
        "GlobalIPv6PrefixLen": block6.subnet.prefixlen if block6 and endpoint.ipv6 else 0,
        "DNSNames": list(endpoint.names) or None,
        "Interface": endpoint.interface,  # ours: no part of the API's object
    }
    return {**endpoint.settings, **known}


def _gateway(network: Network, block: Block | None) -> str:
    return (
        "" if block is None or network.internal or sublink.routed(network) else _text(block.route)
    )


def _text(address: Address | None) -> str:
    return "" if address is None else str(address)


def order(network: Network, settings: Mapping[str, Any]) -> tuple[int, bool, str]:
    """Sorts endpoints, the one with the default route first: priority, not internal, name."""
    return (-int(settings.get("GwPriority") or 0), network.internal, network.name)


def sort(networks: Networks, sandbox: Sandbox) -> Endpoint | None:
    """Put the endpoint with the default route first, and return it."""
    known = [(networks.find(id), e) for id, e in sandbox.endpoints.items()]
    present = [(n, e) for n, e in known if n is not None]
    present.sort(key=lambda pair: order(pair[0], pair[1].settings))
    sandbox.endpoints = {n.id: e for n, e in present}
    return present[0][1] if present else None


def interface(network: Network, settings: Mapping[str, Any], taken: Collection[str]) -> str:
    """Its link's name inside: the driver option's, else the first free one of the prefix."""
    wanted = (settings.get("DriverOpts") or {}).get(model.IFNAME)
    if wanted:
        if wanted in taken or wanted == "lo":
            link = host_interface(secrets.token_hex(4))[:11]
            raise SystemFailure(
                f"failed to add interface {link} to sandbox: error renaming interface "
                f'"{link}" to "{wanted}": file exists'
            )
        if not _INTERFACE.fullmatch(wanted) or wanted in (".", ".."):
            raise InvalidArgument(f"invalid interface name: {wanted!r}")
        return str(wanted)
    prefix = interface_prefix(network)
    return next(n for i in range(len(taken) + 1) if (n := f"{prefix}{i}") not in taken)


def interface_prefix(network: Network) -> str:
    return network.options.get(model.IFACE_PREFIX) or "eth"
