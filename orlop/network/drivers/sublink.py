"""The drivers macvlan and ipvlan: a link of the container's own on a parent link of the host.

The parent is a link of the host, `LINK.VLAN` (made when missing), or, for an internal network
without one, a dummy link of our own. What we made bears our mark and goes with the network.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from orlop.errors import Forbidden, InvalidArgument, SystemFailure
from orlop.kernel import netlink
from orlop.network import model
from orlop.network.drivers import bridge
from orlop.network.model import Endpoint, Network

Op = tuple[Any, ...]

DRIVERS = ("macvlan", "ipvlan")
_MODES = {
    "macvlan": {"": 4, "private": 1, "vepa": 2, "bridge": 4, "passthru": 8},
    "ipvlan": {"": 0, "l2": 0, "l3": 1, "l3s": 2},
}
_DEFAULTS = {"macvlan": "bridge", "ipvlan": "l2"}
_FLAGS = {"": 0, "bridge": 0, "private": 1, "vepa": 2}  # of ipvlan
_VLANS = 4094


def check(network: Network, others: Iterable[Network]) -> None:
    """Its options, against the host and the other networks. Raises with Docker's texts."""
    driver, options = network.driver, network.options
    mode = options.get(f"{driver}_mode", "")
    if mode not in _MODES[driver]:
        raise InvalidArgument(
            f"requested {driver} mode '{mode}' is not valid, '{_DEFAULTS[driver]}' mode is the "
            f"{driver} driver default"
        )
    flag = options.get("ipvlan_flag", "") if driver == "ipvlan" else ""
    if flag not in _FLAGS:
        raise InvalidArgument(
            f"requested ipvlan flag '{flag}' is not valid, 'bridge' is the ipvlan driver default"
        )
    if network.options.get(model.PARENT) == "lo":
        raise InvalidArgument(f"loopback interface is not a valid {driver} parent link")
    for other in others:
        if other.driver == driver and link(other) == link(network):
            _check_shared(network, other)


def _check_shared(network: Network, other: Network) -> None:
    """Networks of one driver on one parent: macvlan's may share it, but for passthru."""
    name = link(network)
    if network.driver == "ipvlan":
        raise Forbidden(f"network di-{other.id[:12]} is already using parent interface {name}")
    if network.options.get("macvlan_mode") == "passthru":
        raise Forbidden(
            f"cannot use mode passthru, macvlan network {other.id} is already using parent "
            f"interface {name}"
        )
    if other.options.get("macvlan_mode") == "passthru":
        raise Forbidden(
            f"macvlan network {other.id} is already using parent interface {name} in mode passthru"
        )


def link(network: Network) -> str:
    """The name of its parent link."""
    named = network.options.get(model.PARENT)
    return named or f"{'dm' if network.driver == 'macvlan' else 'di'}-{network.id[:12]}"


def up(network: Network, alias: str, default_mtu: int) -> None:
    """Have its parent: idempotent. Raises InvalidArgument, SystemFailure."""
    del default_mtu  # of bridges: a parent has its own
    name = link(network)
    try:
        if exists(name):
            return
        if not network.options.get(model.PARENT):
            netlink.run_ops([("dummy", name, alias)])
            return
        below, number = _vlan(name)
        netlink.run_ops([("vlan", name, below, number, alias)])
    except OSError as error:
        text = (error.strerror or "").lower()
        if network.options.get(model.PARENT):
            text = f"failed to create {name} vlan link: {text}"
        raise SystemFailure(text) from None


def exists(name: str) -> bool:
    try:
        netlink.index_of(name)
    except OSError:
        return False
    return True


def _vlan(name: str) -> tuple[str, int]:
    below, dot, text = name.partition(".")
    if not dot or "." in text or not below:
        raise InvalidArgument(
            f"invalid subinterface vlan name {name}, example formatting is eth0.10"
        )
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidArgument(
            f"unable to parse a valid vlan id from: {text} (ex. eth0.10 for vlan 10)"
        )
    if not exists(below):
        raise InvalidArgument(f"-o parent interface was not found on the host: {below}")
    if not 1 <= int(text) <= _VLANS:
        raise InvalidArgument(f"vlan id must be between 1-{_VLANS}, received: {int(text)}")
    return below, int(text)


def down(network: Network, alias: str) -> None:
    """Remove the parent if we made it; an absent one is no error."""
    name = link(network)
    try:
        if any(found.name == name and found.alias == alias for found in netlink.links()):
            netlink.run_ops([("delete", name)])
    except OSError as error:
        raise SystemFailure(
            f"failed to delete link {name}: {(error.strerror or '').lower()}"
        ) from None


def host_ops(network: Network, endpoint: Endpoint, default_mtu: int) -> list[Op]:
    """The link is born in the container's namespace, on the parent."""
    mode = _MODES[network.driver][network.options.get(f"{network.driver}_mode", "")]
    mtu = int(network.options.get(model.MTU) or 0)
    del default_mtu  # of bridges: a parent has its own
    if network.driver == "ipvlan":
        flag = _FLAGS[network.options.get("ipvlan_flag", "")]
        return [("ipvlan", link(network), endpoint.interface, mtu, mode, flag)]
    mac = bytes.fromhex(endpoint.mac.replace(":", ""))
    return [("macvlan", link(network), endpoint.interface, mtu, mac, mode)]


def container_ops(network: Network, endpoint: Endpoint, *, gateway: bool) -> list[Op]:
    ops = bridge.container_ops(network, endpoint, gateway=False)
    if network.driver == "macvlan":
        ops = [("up_alone", *op[1:]) if op[0] == "up" else op for op in ops]
    return ops + route_ops(network, endpoint) if gateway else ops


def route_ops(network: Network, endpoint: Endpoint) -> list[Op]:
    """On layer 3 of ipvlan there are no neighbours: the default route names only the link."""
    if not routed(network) or network.internal:
        return bridge.route_ops(network, endpoint)
    pairs = [(endpoint.ipv4, bytes(4)), (endpoint.ipv6, bytes(16))]
    return [
        ("route", endpoint.interface, anywhere, 0, b"")
        for address, anywhere in pairs
        if address is not None
    ]


def mac() -> str:
    """Any: one of before may still be on the parent, on a link that the kernel takes down."""
    drawn = bytearray(secrets.token_bytes(6))
    drawn[0] = drawn[0] & 0xFC | 2  # of one station, locally administered
    return drawn.hex(":")


def routed(network: Network) -> bool:
    return network.driver == "ipvlan" and network.options.get("ipvlan_mode", "").startswith("l3")
