"""Connect a container to one more network, and disconnect it.

For a running container the caller passes the ops to the keeper (`netops`); for a stopped one only
its record changes, by the settings returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orlop.errors import Forbidden, InvalidArgument
from orlop.network import called, containerfiles, endpoint, model, publish
from orlop.network.bringup import bring_up
from orlop.network.drivers import choose
from orlop.network.model import Network
from orlop.network.networks import Networks

Json = dict[str, Any]
Op = tuple[Any, ...]


HOST = "cannot connect container to host network - container must be created in host network mode"
SHARED = (
    "container sharing network namespace with another container or host cannot be connected to any "
    "other network"
)
PRIVATE = (
    "container cannot be connected to multiple networks with one of the networks in private (none) "
    "mode"
)


@dataclass(frozen=True, slots=True)
class Connection:
    """`settings`: the endpoint for the record's Networks, under `name`."""

    name: str
    settings: Json
    host_ops: tuple[Op, ...] = ()
    container_ops: tuple[Op, ...] = ()
    hosts: tuple[str, ...] = ()  # lines its hosts file gains or loses
    resolv_conf: bytes = b""  # its new one, when it has our resolver from now on


def check(networks: Networks, ref: str, mode: str, settings: Mapping[str, Any]) -> Network:
    """May a container of NetworkMode `mode` connect there? Raises with Docker's texts."""
    network = networks.get(ref)
    if network.config_only:
        raise Forbidden(model.CONFIG_ONLY)
    if network.driver == "host":
        raise InvalidArgument(HOST)
    if network.driver != "null":
        endpoint.check(network, settings)
    if mode == "host" or mode.startswith("container:"):
        raise InvalidArgument(SHARED)
    if network.driver == "null" or mode == "none":
        raise InvalidArgument(PRIVATE)
    return network


def connect(
    networks: Networks,
    container_id: str,
    ref: str,
    settings: Mapping[str, Any],
    host_config: Mapping[str, Any] | None = None,
) -> Connection:
    """Attach a running container. Undo with `disconnect`."""
    with networks.lock:
        network = networks.get(ref)
        sandbox = networks.sandboxes.get(container_id)
        if sandbox is None:
            return Connection(network.name, {**settings, "NetworkID": network.id})
        if network.id in sandbox.endpoints:
            raise Forbidden(
                f"endpoint with name {sandbox.name} already exists in network {network.name}"
            )
        endpoint.check(network, settings)
        settings = {**settings, "DesiredMacAddress": settings.get("MacAddress") or ""}
        network = bring_up(networks, network)
        made = endpoint.make(
            networks,
            network,
            container_id,
            sandbox.name,
            settings,
            endpoint.interface(
                network, settings, [e.interface for e in sandbox.endpoints.values()]
            ),
            sandbox.hostname,
        )
        had_names = called.needs_resolver(networks, sandbox)
        sandbox.endpoints[network.id] = made
        gateway = endpoint.sort(networks, sandbox) is made
        if gateway:
            publish.retarget(networks, sandbox, made)
        called.learn(networks, sandbox, host_config or {})
        called.announce(networks, sandbox)
        inside = list(choose.of(network).container_ops(network, made, gateway=gateway))
        resolv_conf = b""
        if not had_names:
            inside += networks.resolver.ops(container_id)
            resolv_conf = containerfiles.resolv_conf(
                networks, host_config or {}, host=False, names=True
            )
    networks.publish_event("connect", network, container=container_id)
    return Connection(
        network.name,
        endpoint.settings(network, made),
        tuple(choose.of(network).host_ops(network, made, networks.config.mtu)),
        tuple(inside),
        tuple(f"{a}\t{sandbox.hostname}" for a in (made.ipv4, made.ipv6) if a is not None),
        resolv_conf,
    )


def disconnect(networks: Networks, container_id: str, ref: str) -> Connection:
    """Take a running container off a network. Raises Forbidden when it is not on it."""
    with networks.lock:
        network = networks.get(ref)
        sandbox = networks.sandboxes.get(container_id)
        if sandbox is None or network.id not in sandbox.endpoints:
            raise Forbidden(f"container {container_id} is not connected to network {network.name}")
        had_route = next(iter(sandbox.endpoints)) == network.id
        gone = sandbox.endpoints.pop(network.id)
        networks.release(gone)
        if not network.predefined:
            called.announce(networks, sandbox)
        inside: list[Op] = []
        if network.driver != "bridge":
            inside.append(("delete", gone.interface))
        if had_route:
            heir = endpoint.sort(networks, sandbox)
            publish.retarget(networks, sandbox, heir)
            if heir is not None:
                other = networks.get(heir.network_id)
                inside += choose.of(other).route_ops(other, heir)
    networks.publish_event("disconnect", network, container=container_id)
    return Connection(
        network.name,
        dict(gone.settings),
        (("delete", gone.host_interface),) if network.driver == "bridge" else (),
        tuple(inside),
        tuple(f"{a}\t{sandbox.hostname}" for a in (gone.ipv4, gone.ipv6) if a is not None),
    )
