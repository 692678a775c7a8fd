"""Create a user-defined network: checked, subnets chosen, its links up, on record."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Mapping
from typing import Any

from orlop.errors import Conflict, Forbidden, InvalidArgument, NotFound
from orlop.network import blocks as asked
from orlop.network import bringup, defaultbridge, hostnet, ipam, model, options
from orlop.network.drivers import choose, sublink
from orlop.network.ipam import Subnet
from orlop.network.model import Block, Network
from orlop.network.networks import Networks, timestamp

Json = Mapping[str, Any]

_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
_OPERATORS_ONLY = (
    "configuration network can only contain network specific fields. Network operator fields like "
    "[ ingress | internal | attachable | scope ] are not supported."
)
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def create(networks: Networks, request: Json) -> tuple[str, str]:
    """(ID, warning). `request`: the API's body. Raises OrlopErrors with Docker's texts."""
    name = str(request.get("Name") or "")
    _check_name(name)
    if request.get("Driver") == "overlay":
        raise Forbidden(_SWARM)
    network = _asked(name, request)
    with networks.lock:
        if networks.named(name) is not None:
            raise Conflict(f"network with name {name} already exists")
        _check(request, network)
        if network.config_only:
            networks.put(network)
            networks.save()
        else:
            network = _configured(networks, network)
            _check_driver(networks, network)
            _make(networks, network)
    networks.publish_event("create", network)
    return network.id, ""


def _check_name(name: str) -> None:
    if not name.strip():
        raise InvalidArgument("invalid name: name is empty")
    if name in (*model.PREDEFINED, "default"):
        raise Forbidden(f"operation is not permitted on predefined {name} network ")
    if "\0" in name or len(name) > 1024:
        raise InvalidArgument("invalid name: not a network name")
    if _ID.fullmatch(name):
        raise InvalidArgument("invalid name: it looks like a network ID")


def _asked(name: str, request: Json) -> Network:
    """The network as it is asked for, without what is chosen for it."""
    config = request.get("IPAM") or {}
    return Network(
        id=secrets.token_hex(32),
        name=name,
        created=timestamp(),
        driver="null" if request.get("ConfigOnly") else str(request.get("Driver") or "bridge"),
        blocks=tuple(asked.parse(config.get("Config") or ())),
        options={str(k): str(v) for k, v in (request.get("Options") or {}).items()},
        labels=dict(request.get("Labels") or {}),
        ipam_driver=config.get("Driver") or "default",
        ipam_options=config.get("Options"),
        ipv4=request.get("EnableIPv4") is not False,
        ipv6=bool(request.get("EnableIPv6")),
        internal=bool(request.get("Internal")),
        attachable=bool(request.get("Attachable")),
        scope="local" if request.get("ConfigOnly") else str(request.get("Scope") or "local"),
        config_only=bool(request.get("ConfigOnly")),
        config_from=str((request.get("ConfigFrom") or {}).get("Network") or ""),
    )


def _check(request: Json, network: Network) -> None:
    """What does not go together, and what one host has not."""
    operators = [request.get(key) for key in ("Ingress", "Internal", "Attachable", "Scope")]
    if network.config_only and any(operators):
        raise Forbidden(_OPERATORS_ONLY)
    if network.config_from:
        _check_dependent(network)
    if network.config_only:
        return
    if network.driver in ("host", "null"):
        raise Forbidden(f'only one instance of "{network.driver}" network is allowed')
    if network.driver not in choose.MADE:
        raise NotFound(f'plugin "{network.driver}" not found')
    if request.get("Ingress"):
        raise Forbidden("Ingress network can only be global scope network")
    if network.scope in ("swarm", "global"):
        raise Forbidden("cannot create a swarm scoped network when swarm is not active")
    if network.ipam_driver == "null":
        raise InvalidArgument("ipv4 pool is empty")
    if network.ipam_driver != "default":
        raise NotFound(f'plugin "{network.ipam_driver}" not found')
    if not network.ipv4 and not network.ipv6:
        raise InvalidArgument("IPv4 or IPv6 must be enabled")


def _check_dependent(network: Network) -> None:
    if network.config_only:
        raise Forbidden("a configuration network cannot depend on another configuration network")
    if network.ipv6 or network.labels or network.ipam_options or network.blocks:
        raise Forbidden(
            "user specified configurations are not supported if the network depends on a "
            "configuration network"
        )
    if network.options:
        raise Forbidden(
            "network driver options are not supported if the network depends on a "
            "configuration network"
        )


def _configured(networks: Networks, network: Network) -> Network:
    """With what the configuration network that it depends on says."""
    if not network.config_from:
        return network
    source = networks.named(network.config_from)
    if source is None or not source.config_only:
        raise NotFound(f'configuration network "{network.config_from}" does not exist')
    return dataclasses.replace(
        network,
        blocks=source.blocks,
        options=source.options,
        labels=source.labels,
        ipam_driver=source.ipam_driver,
        ipam_options=source.ipam_options,
        ipv4=source.ipv4,
        ipv6=source.ipv6,
    )


def _check_driver(networks: Networks, network: Network) -> None:
    if network.driver != "bridge":
        sublink.check(network, networks.all())
        return
    options.check(network.options, internal=network.internal)
    _check_bridge(networks, network)


def _make(networks: Networks, network: Network) -> None:
    """Choose what was not given and bring it up; on record only once it stands."""
    bringup.standing_or_none(networks)  # its subnet counts as taken
    with hostnet.host_lock():
        network = _addressed(networks, network)
        networks.put(network)
        try:
            # the lock is held already: another descriptor of this process would wait for itself
            bringup.links_up(networks, network)
        except BaseException:
            networks.discard(network)
            raise
    try:
        bringup.bring_up(networks, network)
        networks.save()
    except BaseException:
        networks.discard(network)
        bringup.links_down(networks, network)
        raise


def _addressed(networks: Networks, network: Network) -> Network:
    """With a subnet for each of its families, and gateways."""
    taken = defaultbridge.taken_subnets(networks, network)
    for block in network.active:
        if any(_overlaps(block.subnet, other) for other in _ours(networks)):
            raise Forbidden(ipam.OVERLAP)
    if network.driver == "bridge":
        for version in (4, 6):
            if len([b for b in network.active if b.subnet.version == version]) > 1:
                raise Forbidden("bridge driver doesn't support multiple subnets")
    chosen = [asked.with_gateway(block, network) for block in network.active]
    if network.ipv4 and network.block(4) is None:
        subnet = ipam.choose(defaultbridge.pools(networks.config), taken)
        chosen.insert(0, asked.with_gateway(Block(subnet, None), network))
    if network.ipv6 and network.block(6) is None:
        pools = [p for p in defaultbridge.pools(networks.config) if ":" in p[0]]
        subnet = ipam.choose(pools, taken, 6) if pools else defaultbridge.unique_local(networks)
        chosen.append(asked.with_gateway(Block(subnet, None), network))
    idle = [b for b in network.blocks if b not in network.active]
    return dataclasses.replace(network, blocks=(*chosen, *idle))


def _ours(networks: Networks) -> list[Subnet]:
    known = [n for n in networks.all() if not n.config_only]
    return [block.subnet for n in known for block in n.active]


def _overlaps(one: Subnet, other: Subnet) -> bool:
    return one.version == other.version and one.overlaps(other)


def _check_bridge(networks: Networks, network: Network) -> None:
    for other in networks.all():
        if other.driver == "bridge" and other.bridge == network.bridge:
            raise Forbidden(
                f"cannot create network {network.id} ({network.bridge}): conflicts with network "
                f"{other.id} ({other.bridge}): networks have same bridge name"
            )
