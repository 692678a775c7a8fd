"""The default network: its bridge's name, its subnet, its options, from flags and the host."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable

from orlop.config import Config
from orlop.errors import InvalidArgument
from orlop.kernel import netlink
from orlop.network import hostnet, ipam, model
from orlop.network.drivers import bridge
from orlop.network.ipam import Address, Subnet
from orlop.network.model import Block, Network
from orlop.network.networks import Networks

PREFIX = "orlop"
DOCKERS = "docker0"
_LAST = 1000


def define(networks: Networks) -> Network | None:
    """Settle the default network once, without changing the host; None with `--bridge=none`."""
    with networks.lock:
        network = networks.named("bridge")
        assert network is not None
        if networks.config.bridge == "none":
            return None
        if networks.defined:
            return network
        name = _bridge_name(networks, network)
        block4 = _block4(networks, network, name)
        blocks = [block4]
        if networks.config.ipv6:
            blocks.append(_block6(networks, network))
        changed = dataclasses.replace(
            network,
            blocks=tuple(blocks),
            options=_options(networks.config, name),
            ipv6=networks.config.ipv6,
        )
        if changed != network:
            networks.put(changed)
            networks.save()
        networks.defined = True
        return changed


def redefine(networks: Networks) -> Network | None:
    """Another subnet: someone else took ours before our bridge stood. Only while nobody uses it."""
    with networks.lock:
        networks.defined = False
        return define(networks)


def conflicts(networks: Networks, network: Network) -> bool:
    """The bridge does not stand yet, and the host now has a route into its subnet."""
    if bridge.address_of(network.bridge) is not None or networks.config.bip:
        return False
    if networks.endpoints(network.id):
        return False
    taken = hostnet.subnets_in_use(network.bridge)
    return any(_overlaps(block.subnet, taken) for block in network.active)


def taken_subnets(networks: Networks, besides: Network) -> list[Subnet]:
    """What is not to be chosen: the host's routes and our other networks."""
    out = hostnet.subnets_in_use(besides.bridge)
    for other in networks.all():
        if other.id != besides.id and not other.config_only:
            out += [block.subnet for block in other.active]
    return out


def pools(config: Config) -> Iterable[tuple[str, int]]:
    return config.default_address_pools or ipam.DEFAULT_POOLS


def _options(config: Config, name: str) -> dict[str, str]:
    return {
        model.DEFAULT_BRIDGE: "true",
        model.ICC: _word(config.icc),
        model.MASQUERADE: _word(config.ip_masq),
        model.HOST_BINDING: config.ip,
        model.BRIDGE_NAME: name,
        model.MTU: str(config.mtu),
    }


def _word(value: bool) -> str:
    return "true" if value else "false"


def _bridge_name(networks: Networks, network: Network) -> str:
    """`--bridge`, dockerd's in a root of its own, ours of before, or the first free orlopN."""
    if networks.config.bridge:
        return networks.config.bridge
    links = {link.name: link for link in netlink.links()}
    before = network.options.get(model.BRIDGE_NAME)
    if before == DOCKERS:  # the data root was dockerd's
        found = links.get(before)
        if found is None or (found.kind == "bridge" and found.alias in ("", networks.alias)):
            return before
    for link in links.values():
        if link.alias == networks.alias and link.name.startswith(PREFIX):
            return link.name
    for number in range(_LAST):
        name = f"{PREFIX}{number}"
        found = links.get(name)
        if found is None or (found.kind == "bridge" and not found.alias):
            return name
    raise InvalidArgument("no free name for the default bridge: use --bridge")


def _block4(networks: Networks, network: Network, name: str) -> Block:
    config = networks.config
    interface = _interface(config.bip, "bip") if config.bip else bridge.address_of(name)
    if interface is None:
        before = network.block(4)
        taken = taken_subnets(
            networks, dataclasses.replace(network, options=_options(config, name))
        )
        if before is not None and not before.given and not _overlaps(before.subnet, taken):
            subnet: Subnet = before.subnet
        else:
            subnet = ipam.choose(pools(config), taken)
        gateway: Address = subnet.network_address + 1
    else:
        subnet, gateway = interface.network, interface.ip
    allowed: Subnet | None = None
    if config.fixed_cidr:
        allowed = _inside(config.fixed_cidr, subnet)
    auxiliary = {}
    if config.default_gateway:
        address = ipam.parse_address(config.default_gateway, "default gateway")
        if address not in subnet:
            raise InvalidArgument(f"default gateway {address} must be part of the bridge's subnet")
        auxiliary = {model.GATEWAY4: address}
    return Block(subnet, gateway, allowed, auxiliary, given=bool(config.bip), ours=False)


def _block6(networks: Networks, network: Network) -> Block:
    config = networks.config
    if config.bip6:
        interface = _interface(config.bip6, "bip6")
        return Block(interface.network, interface.ip)
    before = network.block(6)
    if before is not None:
        return before
    subnet = unique_local(networks)
    return Block(subnet, subnet.network_address + 1)


def unique_local(networks: Networks) -> Subnet:
    """A /64 of this daemon's own range that no network of it has."""
    used = {block.subnet for n in networks.all() for block in n.blocks}
    seed = bytes.fromhex(networks.config.root_hash) + b"\x01"
    index = 0
    while ipam.unique_local(seed, index) in used:
        index += 1
    return ipam.unique_local(seed, index)


def _interface(text: str, flag: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        raise InvalidArgument(f"invalid CIDR address for --{flag}: {text}") from None


def _inside(text: str, subnet: Subnet) -> Subnet:
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidArgument(f"invalid CIDR address for --fixed-cidr: {text}") from None
    if found.version != subnet.version or not found.subnet_of(subnet):  # type: ignore[arg-type]
        raise InvalidArgument(f"--fixed-cidr {found} is not inside the bridge's subnet {subnet}")
    return found


def _overlaps(subnet: Subnet, taken: Iterable[Subnet]) -> bool:
    return any(t.version == subnet.version and subnet.overlaps(t) for t in taken)
