"""Attach a container that is about to start: addresses, ports, rules, op tuples, file contents.

All or nothing; what it took is given back by `detach`. Nothing here waits for a namespace: the
keeper and the container execute the ops.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from orlop.errors import Forbidden, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.network import (
    called,
    connect,
    containerfiles,
    endpoint,
    model,
    ports,
    portspec,
    publish,
)
from orlop.network.bringup import bring_up
from orlop.network.detach import detach
from orlop.network.drivers import choose, host, none, sublink
from orlop.network.model import Endpoint, Network
from orlop.network.networks import Networks, Sandbox, close_sockets

Json = dict[str, Any]
Op = tuple[Any, ...]
Wanted = tuple[str, Network, Json]  # key in the record, network, endpoint settings

_PREFIX = "failed to set up container networking: "


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the container room passes on. `netns`: "new", "host", "none" or ("container", ID)."""

    settings: Json  # for the record's NetworkSettings
    netns: str | tuple[str, str]
    host_ops: tuple[Op, ...] = ()
    container_ops: tuple[Op, ...] = ()
    port_fds: tuple[int, ...] = ()
    hosts: bytes = b""
    resolv_conf: bytes = b""
    link_env: tuple[str, ...] = ()  # variables of legacy links
    sandbox: Sandbox | None = None

    def close(self) -> None:
        """The keeper has the port sockets: close our copies. `detach` does it otherwise."""
        if self.sandbox is not None:
            close_sockets(self.sandbox)


def attach(
    networks: Networks,
    container_id: str,
    name: str,
    hostname: str,
    host_config: Mapping[str, Any],
    settings: Mapping[str, Any],
    config: Mapping[str, Any],
) -> Attachment:
    """`settings`: the record's NetworkSettings. Raises OrlopError with Docker's whole text."""
    mode = str(host_config.get("NetworkMode") or "bridge")
    if mode == "default":
        mode = "bridge"
    if mode.startswith("container:"):
        return Attachment(_settings(), ("container", mode.removeprefix("container:")))
    name = name.lstrip("/")
    if config.get("NetworkDisabled") or (mode == "bridge" and networks.config.bridge == "none"):
        mode, settings = "none", {}
    with networks.lock:
        if container_id in networks.sandboxes:
            detach(networks, container_id)  # an attach that nobody detached
        id = secrets.token_hex(32)
        if mode == "host":
            key = host.sandbox_key(networks.config.exec_root)
        else:
            key = str(networks.config.exec_root / "netns" / id[:12])
        sandbox = Sandbox(container_id, id, key, name, hostname)
        # Before the rest, as dockerd: what is wrong with links has no prefix.
        link_env = containerfiles.check_links(networks, sandbox, host_config)
        try:
            wanted = _wanted(networks, mode, settings)
            _check_together(networks, mode, wanted)
            if mode == "host" or wanted[0][1].driver not in choose.MADE:
                return _plain(networks, sandbox, mode, wanted[0], host_config, config)
            return _bridged(networks, sandbox, wanted, host_config, config, link_env)
        except OrlopError as error:
            raise type(error)(_PREFIX + error.message) from error


def _settings(sandbox: Sandbox | None = None, **known: Any) -> Json:
    return {
        "SandboxID": sandbox.id if sandbox else "",
        "SandboxKey": sandbox.key if sandbox else "",
        "Ports": {},
        "Networks": {},
        **known,
    }


def _plain(
    networks: Networks,
    sandbox: Sandbox,
    mode: str,
    wanted: Wanted,
    host_config: Mapping[str, Any],
    config: Mapping[str, Any],
) -> Attachment:
    """`host` and `none`: an endpoint in name only."""
    key, network, given = wanted
    mode = "host" if mode == "host" else "none"
    made = Endpoint(
        secrets.token_hex(32), network.id, sandbox.container_id, sandbox.name, settings=given
    )
    sandbox.endpoints[network.id] = made
    hosts = containerfiles.hosts(networks, sandbox, host_config, config, host=mode == "host")
    resolv = containerfiles.resolv_conf(networks, host_config, host=mode == "host")
    networks.sandboxes[sandbox.container_id] = sandbox
    networks.publish_event("connect", network, container=sandbox.container_id)
    return Attachment(
        _settings(sandbox, Networks={key: endpoint.settings(network, made)}),
        mode,
        host_ops=() if mode == "host" else tuple(_handle(sandbox)),
        container_ops=() if mode == "host" else tuple(none.container_ops()),
        hosts=hosts,
        resolv_conf=resolv,
        sandbox=sandbox,
    )


def _handle(sandbox: Sandbox) -> list[Op]:
    """Where `nsenter --net` and others look for the namespace (SandboxKey)."""
    os.makedirs(os.path.dirname(sandbox.key), 0o711, exist_ok=True)
    return [("handle", sandbox.key)]


def _bridged(
    networks: Networks,
    sandbox: Sandbox,
    wanted: list[Wanted],
    host_config: Mapping[str, Any],
    config: Mapping[str, Any],
    link_env: list[str],
) -> Attachment:
    host_ops = _handle(sandbox)
    container_ops = none.container_ops()
    with ExitStack() as undo:
        for _, network, given in wanted:
            endpoint.check(network, given)
            network = bring_up(networks, network)
            made = endpoint.make(
                networks,
                network,
                sandbox.container_id,
                sandbox.name,
                given,
                endpoint.interface(
                    network, given, [e.interface for e in sandbox.endpoints.values()]
                ),
                sandbox.hostname,
            )
            undo.callback(networks.release, made, unused=True)
            sandbox.endpoints[network.id] = made
            driver = choose.of(network)
            host_ops += driver.host_ops(network, made, networks.config.mtu)
            first = len(sandbox.endpoints) == 1
            container_ops += driver.container_ops(network, made, gateway=first)
        _publish(networks, sandbox, host_config, config, undo)
        hosts = containerfiles.hosts(networks, sandbox, host_config, config, host=False)
        names = called.needs_resolver(networks, sandbox)
        resolv = containerfiles.resolv_conf(networks, host_config, host=False, names=names)
        if names:
            called.learn(networks, sandbox, host_config)
            called.announce(networks, sandbox)
            container_ops += networks.resolver.ops(sandbox.container_id)
        undo.pop_all()
    networks.sandboxes[sandbox.container_id] = sandbox
    shown = {}
    for key, network, _ in wanted:
        current = networks.get(network.id)
        shown[key] = endpoint.settings(current, sandbox.endpoints[network.id])
        networks.publish_event("connect", current, container=sandbox.container_id)
    return Attachment(
        _settings(
            sandbox,
            Networks=shown,
            Ports=ports.settings(sandbox.published, sandbox.exposed),
        ),
        "new",
        tuple(host_ops),
        tuple(container_ops),
        tuple(sock.fileno() for sock in sandbox.sockets),
        hosts,
        resolv,
        tuple(link_env),
        sandbox,
    )


def _wanted(networks: Networks, mode: str, settings: Mapping[str, Any]) -> list[Wanted]:
    """Never empty; the one with the default route first."""
    given = dict(settings.get("Networks") or {}) or {mode: {}}
    out = []
    seen: set[str] = set()
    for key, entry in given.items():
        network = _find(networks, key, entry or {})
        if network.config_only:
            raise Forbidden(model.CONFIG_ONLY)
        if network.id not in seen:
            seen.add(network.id)
            out.append((key, network, dict(entry or {})))
    return sorted(out, key=lambda item: endpoint.order(item[1], item[2]))


def _check_together(networks: Networks, mode: str, wanted: list[Wanted]) -> None:
    """Raises where dockerd does, with its texts; but a bridge beside the host's own namespace, on
    which dockerd fails with whatever the kernel says, is refused in the words of a connect."""
    try:
        networks.get(mode)
    except NotFound as error:
        text = f"could not find a network matching network mode {mode}: {error.message}"
        raise NotFound(text) from None
    drivers = {network.driver for _, network, _ in wanted}
    if "host" in drivers and mode != "host":
        raise InvalidArgument(connect.HOST)
    if mode == "host" and (len(wanted) > 1 or drivers.intersection(choose.MADE)):
        raise InvalidArgument(connect.SHARED)
    if "null" in drivers and len(wanted) > 1:
        raise InvalidArgument(connect.PRIVATE)


def _find(networks: Networks, key: str, entry: Mapping[str, Any]) -> Network:
    """By the record's network ID (names may change hands), else by name."""
    known = networks.find(str(entry.get("NetworkID") or ""))
    if known is not None:
        return known
    if entry.get("NetworkID") and networks.named(key) is None:
        raise NotFound(f"network {entry['NetworkID']} not found")
    return networks.get(key)


def _publish(
    networks: Networks,
    sandbox: Sandbox,
    host_config: Mapping[str, Any],
    config: Mapping[str, Any],
    undo: ExitStack,
) -> None:
    """Host ports lead to the endpoint with the default route."""
    gateway = next(iter(sandbox.endpoints.values()))
    network = networks.get(gateway.network_id)
    if network.driver in sublink.DRIVERS:
        return  # its own address is reached directly
    wanted = portspec.wanted(
        host_config.get("PortBindings"),
        config.get("ExposedPorts"),
        publish_all=bool(host_config.get("PublishAllPorts")),
        default_ip=_default_ip(networks, network),
    )
    sandbox.exposed = portspec.exposed_ports(config.get("ExposedPorts"))
    if not wanted or network.internal:
        return
    try:
        publish.publish(networks, sandbox, gateway, wanted, undo)
    except SystemFailure as error:
        raise SystemFailure(
            "driver failed programming external connectivity on endpoint "
            f"{sandbox.name} ({gateway.id}): {error.message}"
        ) from error


def _default_ip(networks: Networks, network: Network) -> str:
    return network.options.get("com.docker.network.bridge.host_binding_ipv4") or networks.config.ip
