"""Inspect a network: its definition and who is attached."""

from __future__ import annotations

from typing import Any

from orlop.errors import NotFound
from orlop.network import bringup
from orlop.network.ipam import Address
from orlop.network.model import Block
from orlop.network.networks import Networks

Json = dict[str, Any]


def inspect(networks: Networks, ref: str, scope: str = "") -> Json:
    """Docker's network object with `Containers`. Raises NotFound, InvalidArgument.

    `scope`: "" for any; one of another scope is not found.
    """
    network = networks.get(ref)
    if scope not in ("", network.scope):
        raise NotFound(f"network {ref} not found")
    if network.name == "bridge":
        network = bringup.standing_or_none(networks) or network
    out = network.to_json()
    out["Containers"] = {
        e.container_id: {
            "Name": e.container_name,
            "EndpointID": e.id,
            "MacAddress": e.mac,
            "IPv4Address": _with_length(e.ipv4, network.block(4)),
            "IPv6Address": _with_length(e.ipv6, network.block(6)),
        }
        for e in networks.endpoints(network.id)
    }
    return out


def _with_length(address: Address | None, block: Block | None) -> str:
    return "" if address is None or block is None else f"{address}/{block.subnet.prefixlen}"
