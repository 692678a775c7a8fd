"""The bridge driver: a Linux bridge per network, a veth pair per endpoint."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from typing import Any

from orlop.errors import SystemFailure
from orlop.kernel import netlink
from orlop.network import hostnet, linklocal, model, sysctls
from orlop.network.ipam import Address
from orlop.network.model import Block, Endpoint, Network
from orlop.network.rules import BridgeRules

Op = tuple[Any, ...]

_LINK_EXISTS = 17
_BRIDGE_NETFILTER = "net/bridge/bridge-nf-call-iptables"


def up(network: Network, alias: str, default_mtu: int) -> None:
    """Make the network's bridge as it should be: idempotent. Raises SystemFailure."""
    name = network.bridge
    try:
        links = {link.name: link for link in netlink.links()}
        present = links.get(name)
        if present is None:
            mac = bridge_mac(alias, name)
            _create(name, _mtu(network, default_mtu), mac, alias)
            existing: set[tuple[bytes, int]] = set()
        elif present.kind != "bridge":
            raise SystemFailure(f"interface {name} exists and is not a bridge")
        else:
            existing = {
                (ip, prefix) for index, ip, prefix in netlink.addresses() if index == present.index
            }
        _configure(network, name, existing, is_up=present is None or present.up)
    except OSError as error:
        raise SystemFailure(
            f"failed to set up bridge {name}: {error.filename}: {(error.strerror or '').lower()}"
        ) from None


def _create(name: str, mtu: int, mac: bytes, alias: str) -> None:
    try:
        netlink.run_ops([("bridge", name, mtu, mac, alias)])
    except OSError as error:
        if error.errno != _LINK_EXISTS:
            raise


def _configure(
    network: Network, name: str, existing: set[tuple[bytes, int]], *, is_up: bool
) -> None:
    ipv6 = network.block(6) is not None and network.ipv6
    conf = f"net/ipv6/conf/{name}"
    ops: list[Op] = [
        ("sysctl", f"{conf}/disable_ipv6", "0" if ipv6 else "1"),
        ("sysctl", f"{conf}/accept_ra", "0"),
        # 127.0.0.1:PORT on the host leads to a container; rules.py closes the way back.
        ("sysctl", f"net/ipv4/conf/{name}/route_localnet", "1"),
    ]
    if not is_up:
        ops.append(("up", name))
    for block in network.active:
        if block.gateway is None:
            continue
        if block.subnet.version == 4 and network.flag(model.INHIBIT_IPV4, False):
            continue
        ip = block.gateway.packed
        if (ip, block.subnet.prefixlen) not in existing:
            ops.append(("address", name, ip, block.subnet.prefixlen, _broadcast(block)))
    netlink.run_ops(ops)


def link(network: Network) -> str:
    return network.bridge


def down(network: Network, alias: str) -> None:
    """Remove its bridge; an absent one is no error."""
    try:
        netlink.run_ops([("delete", network.bridge)])
    except OSError as error:
        raise SystemFailure(
            f"failed to delete bridge {network.bridge}: {(error.strerror or '').lower()}"
        ) from None


def _mtu(network: Network, default: int) -> int:
    return int(network.options.get(model.MTU) or default)


def _broadcast(block: Block) -> bytes:
    if block.subnet.version == 6 or block.subnet.prefixlen >= 31:
        return b""
    return block.subnet.broadcast_address.packed


def bridge_mac(alias: str, name: str) -> bytes:
    """A fixed address: a bridge without one takes its lowest port's, and changes it with them."""
    return b"\x02\x42" + hashlib.sha256(f"{alias} {name}".encode()).digest()[:4]


def endpoint_mac(ipv4: Address | None, seed: str) -> str:
    """02:42 and the IPv4 address: reused together, so that no neighbour's ARP entry goes stale."""
    tail = ipv4.packed if ipv4 is not None else hashlib.sha256(seed.encode()).digest()[:4]
    return ":".join(f"{byte:02x}" for byte in b"\x02\x42" + tail)


def host_ops(network: Network, endpoint: Endpoint, default_mtu: int) -> list[Op]:
    """What the keeper does on the host, once the child's namespace exists."""
    mac = bytes.fromhex(endpoint.mac.replace(":", ""))
    name, bridge = endpoint.host_interface, network.bridge
    flags = 0 if network.flag(model.ICC) else netlink.PORT_ISOLATED
    if hostnet.read_sysctl(_BRIDGE_NETFILTER) == "1":
        # A container's own published port comes back out of the port it went in by.
        flags |= netlink.PORT_HAIRPIN
    mtu = _mtu(network, default_mtu)
    ops: list[Op] = [
        ("veth", name, endpoint.interface, mtu, mac, bridge, flags),
        ("sysctl", f"net/ipv6/conf/{name}/disable_ipv6", "1"),  # a port, not a host interface
    ]
    if endpoint.ipv4 is not None:
        ops.append(("neighbour", bridge, endpoint.ipv4.packed, mac))
    if endpoint.ipv6 is not None:
        ops.append(("neighbour", bridge, endpoint.ipv6.packed, mac))
    return ops


def container_ops(network: Network, endpoint: Endpoint, *, gateway: bool) -> list[Op]:
    """What happens inside: addresses, link up, and the default route if it is the gateway's."""
    name = endpoint.interface
    v6 = endpoint.ipv6 is not None
    conf = f"net/ipv6/conf/{name}"
    ops: list[Op] = [("sysctl", f"{conf}/disable_ipv6", "0" if v6 else "1")]
    if v6:
        ops.append(("sysctl", f"{conf}/accept_ra", "0"))
    # Early: a work item of the kernel must see the host's end up before it passes packets on.
    ops.append(("up", name))
    pairs = [(network.block(4), endpoint.ipv4), (network.block(6), endpoint.ipv6)]
    for block, address in pairs:
        if block is not None and address is not None:
            ops.append(("address", name, address.packed, block.subnet.prefixlen, _broadcast(block)))
    ops += linklocal.ops(endpoint)
    ops += sysctls.ops(endpoint)
    if gateway:
        ops += route_ops(network, endpoint)
    return ops


def route_ops(network: Network, endpoint: Endpoint) -> list[Op]:
    """The default routes through an endpoint; an internal network has none."""
    if network.internal:
        return []
    pairs = [(network.block(4), endpoint.ipv4), (network.block(6), endpoint.ipv6)]
    return [
        ("route", endpoint.interface, b"", 0, block.route.packed)
        for block, address in pairs
        if block is not None and address is not None and block.route is not None
    ]


def rules(network: Network, icc: bool = True) -> BridgeRules:
    """What the firewall has to know of it."""
    return BridgeRules(
        network.bridge,
        tuple(str(b.subnet) for b in network.active),
        tuple(str(b.gateway) if b.gateway else "" for b in network.active),
        masquerade=network.flag(model.MASQUERADE),
        internal=network.internal,
        icc=network.flag(model.ICC),
        open4=_is_open(network, model.GATEWAY_MODE_4),
        open6=_is_open(network, model.GATEWAY_MODE_6),
    )


def _is_open(network: Network, option: str) -> bool:
    return network.options.get(option) in ("routed", "nat-unprotected")


def stale(networks: Iterable[Network], live: set[str]) -> list[str]:
    """Host ends on our bridges whose endpoint is not among `live` (interface names)."""
    names = {n.bridge for n in networks if n.driver == "bridge"}
    links = netlink.links()
    bridges = {link.index for link in links if link.kind == "bridge" and link.name in names}
    return [
        link.name
        for link in links
        if link.master in bridges
        and link.kind == "veth"
        and link.name.startswith("veth")
        and link.name not in live
    ]


def address_of(name: str) -> ipaddress.IPv4Interface | None:
    """The IPv4 address a bridge already has."""
    try:
        wanted = netlink.index_of(name)
    except OSError:
        return None
    for index, ip, prefix in netlink.addresses():
        if index == wanted and len(ip) == 4:
            return ipaddress.IPv4Interface((ip, prefix))
    return None
