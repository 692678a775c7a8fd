"""Create a user-defined network: checked, a subnet chosen, its bridge up, on record."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from typing import Any

from orlop.errors import Conflict, Forbidden, InvalidArgument, NotFound
from orlop.network import bringup, defaultbridge, hostnet, ipam, model, options
from orlop.network.drivers import bridge
from orlop.network.ipam import Address, Subnet
from orlop.network.model import Block, Network
from orlop.network.networks import Networks, timestamp

Json = Mapping[str, Any]

_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def create(networks: Networks, request: Json) -> tuple[str, str]:
    """(ID, warning). `request`: the API's body. Raises OrlopErrors with Docker's texts."""
    name = str(request.get("Name") or "")
    _check(request, name)
    driver = request.get("Driver") or "bridge"
    if driver in ("host", "null"):
        raise Forbidden(f'only one instance of "{driver}" network is allowed')
    if driver != "bridge":
        raise NotFound(f'plugin "{driver}" not found')
    config = request.get("IPAM") or {}
    if config.get("Driver") not in (None, "", "default"):
        raise NotFound(f'plugin "{config["Driver"]}" not found')
    blocks = _blocks(config.get("Config") or ())
    ipv4 = request.get("EnableIPv4") is not False
    ipv6 = bool(request.get("EnableIPv6")) or any(b.subnet.version == 6 for b in blocks)
    if not ipv4 and not ipv6:
        raise InvalidArgument("IPv4 or IPv6 must be enabled")
    given = {str(k): str(v) for k, v in (request.get("Options") or {}).items()}
    options.check(given)
    with networks.lock:
        if networks.named(name) is not None:
            raise Conflict(f"network with name {name} already exists")
        network = Network(
            id=secrets.token_hex(32),
            name=name,
            created=timestamp(),
            driver="bridge",
            options=given,
            labels=dict(request.get("Labels") or {}),
            ipam_options=config.get("Options"),
            chosen=bool(blocks),
            ipv4=ipv4,
            ipv6=ipv6,
            internal=bool(request.get("Internal")),
            attachable=bool(request.get("Attachable")),
        )
        _check_bridge(networks, network)
        _make(networks, network, blocks)
    networks.publish_event("create", network)
    return network.id, ""


def _check(request: Json, name: str) -> None:
    if not name.strip():
        raise InvalidArgument("invalid name: name is empty")
    if name in (*model.PREDEFINED, "default"):
        raise Forbidden(f"operation is not permitted on predefined {name} network ")
    if "\0" in name or len(name) > 1024:
        raise InvalidArgument("invalid name: not a network name")
    if _ID.fullmatch(name):
        raise InvalidArgument("invalid name: it looks like a network ID")
    if request.get("Ingress"):
        raise Forbidden("Ingress network can only be global scope network")
    if request.get("Scope") in ("swarm", "global"):
        raise Forbidden("cannot create a swarm scoped network when swarm is not active")
    if request.get("Driver") == "overlay":
        raise Forbidden(_SWARM)
    source = (request.get("ConfigFrom") or {}).get("Network")
    if source:
        raise NotFound(f'configuration network "{source}" does not exist')
    if request.get("ConfigOnly"):
        raise InvalidArgument("configuration networks are not supported")


def _make(networks: Networks, network: Network, blocks: list[Block]) -> None:
    """Choose what was not given and bring it up; on record only once it stands."""
    import dataclasses

    default = bringup.standing_or_none(networks)  # its subnet counts as taken
    del default
    with hostnet.host_lock():
        taken = defaultbridge.taken_subnets(networks, network)
        for block in blocks:
            if any(_overlaps(block.subnet, other) for other in _ours(networks)):
                raise Forbidden(ipam.OVERLAP)
        chosen = [_with_gateway(block, network) for block in blocks]
        if network.ipv4 and not any(b.subnet.version == 4 for b in blocks):
            subnet = ipam.choose(defaultbridge.pools(networks.config), taken)
            chosen.insert(0, _with_gateway(Block(subnet, None), network))
        if network.ipv6 and not any(b.subnet.version == 6 for b in blocks):
            subnet = defaultbridge.unique_local(networks)
            chosen.append(_with_gateway(Block(subnet, None), network))
        network = dataclasses.replace(network, blocks=tuple(chosen))
        networks.put(network)
        try:
            # the lock is held already: another descriptor of this process would wait for itself
            bridge.up(network, networks.alias, networks.config.mtu)
        except BaseException:
            networks.discard(network)
            raise
    try:
        bringup.bring_up(networks, network)
        networks.save()
    except BaseException:
        networks.discard(network)
        bridge.down(network)
        raise


def _ours(networks: Networks) -> list[Subnet]:
    return [block.subnet for n in networks.all() for block in n.blocks]


def _overlaps(one: Subnet, other: Subnet) -> bool:
    return one.version == other.version and one.overlaps(other)


def _check_bridge(networks: Networks, network: Network) -> None:
    for other in networks.all():
        if other.driver == "bridge" and other.bridge == network.bridge:
            raise Forbidden(
                f"cannot create network {network.id} ({network.bridge}): conflicts with network "
                f"{other.id} ({other.bridge}): networks have same bridge name"
            )


def _with_gateway(block: Block, network: Network) -> Block:
    """The first free address, if none was given. IPv6 keeps Docker's ::1."""
    if block.gateway is not None:
        return block
    inside = block.range or block.subnet
    taken = set(block.auxiliary.values())
    for address in _hosts(inside if inside.version == 4 else block.subnet):
        if address not in taken:
            return Block(block.subnet, address, block.range, block.auxiliary)
    raise Forbidden("no available IPv4 addresses on this network's address pools")


def _hosts(subnet: Subnet) -> Any:
    return subnet.hosts()


def _blocks(entries: Any) -> list[Block]:
    """IPAM.Config, checked. Raises InvalidArgument with Docker's texts, all at once."""
    problems: list[str] = []
    out: list[Block] = []
    for entry in entries:
        try:
            out.append(_block(entry, problems))
        except InvalidArgument as error:
            problems.append(error.message)
    if problems:
        raise InvalidArgument("invalid network config:\n" + "\n".join(problems))
    for index, block in enumerate(out):
        if any(_overlaps(block.subnet, other.subnet) for other in out[:index]):
            raise Forbidden(ipam.OVERLAP)
    return out


def _block(entry: Json, problems: list[str]) -> Block:
    subnet = ipam.parse_subnet(str(entry.get("Subnet") or ""))
    allowed = None
    if entry.get("IPRange"):
        allowed = _range(str(entry["IPRange"]), subnet, problems)
    gateway = None
    if entry.get("Gateway"):
        gateway = _member(str(entry["Gateway"]), subnet, "gateway", problems)
    auxiliary = {}
    for name, text in (entry.get("AuxiliaryAddresses") or {}).items():
        address = _member(str(text), subnet, f"auxiliary address {name}", problems, shown="")
        if address is not None:
            auxiliary[str(name)] = address
    return Block(subnet, gateway, allowed, auxiliary)


def _range(text: str, subnet: Subnet, problems: list[str]) -> Subnet | None:
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        problems.append(f"invalid ip-range {text}: invalid CIDR block notation")
        return None
    found = interface.network
    if interface.ip != found.network_address:
        problems.append(f"invalid ip-range {text}: it should be {found}")
    elif found.version != subnet.version or found.network_address not in subnet:
        problems.append(f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range")
    elif found.prefixlen < subnet.prefixlen:
        problems.append(
            f"invalid ip-range {text}: CIDR block is bigger than its parent subnet {subnet}"
        )
    return found


def _member(
    text: str, subnet: Subnet, what: str, problems: list[str], shown: str | None = None
) -> Address | None:
    label = f"{what} {text}" if shown is None else what
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        problems.append(f"invalid {label}: invalid address")
        return None
    if address not in subnet:
        problems.append(f"invalid {label}: parent subnet {subnet} doesn't contain this address")
    return address
