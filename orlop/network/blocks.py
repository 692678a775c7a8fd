"""The subnets that a new network is asked to have: IPAM.Config of the API, checked. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from orlop.errors import Forbidden, InvalidArgument
from orlop.network import ipam, model
from orlop.network.ipam import Address, Subnet
from orlop.network.model import Block, Network

Json = Mapping[str, Any]


def with_gateway(block: Block, network: Network) -> Block:
    """The first address, if none was given and the network has use for one. An auxiliary address
    may not be the gateway's, chosen or given."""
    if block.gateway is None:
        if network.internal and (network.driver != "bridge" or isolated(network, block)):
            return block
        inside = (block.range or block.subnet) if block.subnet.version == 4 else block.subnet
        gateway: Address | None = next((a for a in inside.hosts() if a in block.subnet), None)
    else:
        gateway = block.gateway
    clash = next((n for n, a in block.auxiliary.items() if a == gateway), None)
    if clash is not None:
        raise Forbidden(
            f"failed to allocate secondary ip address ({clash}:{gateway}): Address already in use"
        )
    return dataclasses.replace(block, gateway=gateway)


def isolated(network: Network, block: Block) -> bool:
    option = model.GATEWAY_MODE_6 if block.subnet.version == 6 else model.GATEWAY_MODE_4
    return network.options.get(option) == "isolated"


def parse(entries: Any) -> list[Block]:
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
        before = [b.subnet for b in out[:index] if b.subnet.version == block.subnet.version]
        if any(block.subnet.overlaps(other) for other in before):
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
    return Block(subnet, gateway, allowed, auxiliary, given=True, ours=gateway is None)


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
