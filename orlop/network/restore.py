"""Bring back the attachment of a container that ran while the daemon did not."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from orlop.errors import OrlopError
from orlop.network import bringup, called, endpoint, ports, publish
from orlop.network.ipam import Address
from orlop.network.model import Endpoint
from orlop.network.networks import Networks, Sandbox

_log = logging.getLogger(__name__)


def restore(
    networks: Networks,
    container_id: str,
    settings: Mapping[str, Any],
    name: str,
    hostname: str,
    host_config: Mapping[str, Any],
) -> None:
    """`settings`: the record's NetworkSettings. What cannot be restored is logged, not fatal."""
    if not settings.get("SandboxID"):
        return  # it shares another's namespace
    with networks.lock:
        bringup.standing_or_none(networks)
        sandbox = Sandbox(
            container_id,
            str(settings["SandboxID"]),
            str(settings.get("SandboxKey") or ""),
            name.lstrip("/"),
            hostname or container_id[:12],
        )
        for key, entry in (settings.get("Networks") or {}).items():
            _restore_endpoint(networks, sandbox, key, entry or {})
        endpoint.sort(networks, sandbox)
        called.learn(networks, sandbox, host_config)
        shown = settings.get("Ports") or {}
        sandbox.published = ports.from_settings(shown)
        sandbox.exposed = [(int(key.partition("/")[0]), key.partition("/")[2]) for key in shown]
        networks.ports.restore(sandbox.published)
        networks.sandboxes[container_id] = sandbox
        target = next(iter(sandbox.endpoints.values()), None)
        if target is not None and sandbox.published:
            sandbox.elements = publish.elements(networks, target, sandbox.published)
            try:
                networks.firewall.publish(sandbox.elements)  # written when sweep applies
            except OrlopError as error:
                _log.error("ports of container %s: %s", container_id[:12], error.message)


def _restore_endpoint(
    networks: Networks, sandbox: Sandbox, key: str, entry: Mapping[str, Any]
) -> None:
    network = networks.find(str(entry.get("NetworkID") or "")) or networks.named(key)
    if network is None or not entry.get("EndpointID"):
        _log.warning("container %s: network %s is gone", sandbox.container_id[:12], key)
        return
    made = Endpoint(
        str(entry["EndpointID"]),
        network.id,
        sandbox.container_id,
        sandbox.name,
        interface=str(
            entry.get("Interface")
            or f"{endpoint.interface_prefix(network)}{len(sandbox.endpoints)}"
        ),
        host_interface=endpoint.host_interface(str(entry["EndpointID"])),
        mac=str(entry.get("MacAddress") or ""),
        ipv4=_address(entry.get("IPAddress")),
        ipv6=_address(entry.get("GlobalIPv6Address")),
        names=tuple(entry.get("DNSNames") or ()),
        settings=dict(entry),
    )
    for version, address in ((4, made.ipv4), (6, made.ipv6)):
        pool = networks.pool(network, version)
        if pool is not None and address is not None and not pool.used(address):
            pool.take(address)
    sandbox.endpoints[network.id] = made


def _address(text: Any) -> Address | None:
    try:
        return ipaddress.ip_address(text) if text else None
    except ValueError:
        return None
