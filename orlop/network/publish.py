"""Publish an endpoint's ports: claim and bind them, add the rules, hand IPv6 to the proxy."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import socket
from collections.abc import Iterable
from contextlib import ExitStack

from orlop.errors import SystemFailure
from orlop.network import flows
from orlop.network.model import Endpoint
from orlop.network.networks import Networks, Sandbox, close_sockets
from orlop.network.ports import Published, bind
from orlop.network.portspec import ANY4, ANY6, Wanted
from orlop.network.rules import Element

_log = logging.getLogger(__name__)
_CARRIED = ("tcp", "udp")


def publish(
    networks: Networks,
    sandbox: Sandbox,
    target: Endpoint,
    wanted: Iterable[Wanted],
    undo: ExitStack,
) -> None:
    """Fill `sandbox` with what was published. Raises SystemFailure with Docker's texts."""
    address = str(target.ipv4 or target.ipv6)
    claimed = networks.ports.claim(_reachable(networks, target, wanted), address)
    undo.callback(networks.ports.release, [entry for entry, _ in claimed], held=False)
    undo.callback(close_sockets, sandbox)
    undo.callback(networks.carrier.drop, sandbox.container_id)
    carried = []
    for published, sock in claimed:
        sandbox.published.append(published)
        if sock is not None:
            if carries(networks, target, published):
                carried.append((published, sock))
            else:
                sandbox.sockets.append(sock)
    sandbox.elements = elements(networks, target, sandbox.published)
    undo.callback(networks.firewall.unpublish, sandbox.elements)
    try:
        if networks.config.iptables:
            networks.firewall.publish(sandbox.elements)
            flows.published(sandbox.elements)
    except BaseException:
        for _, sock in carried:
            sock.close()
        raise
    for published, sock in carried:
        try:
            _carry(networks, sandbox.container_id, target, published, sock)
        except OSError as error:  # listen(2) finds what bind(2) could not
            raise SystemFailure(
                f"failed to listen on [{published.host_ip}]:{published.host_port}: "
                f"{(error.strerror or '').lower()}"
            ) from None


def _reachable(networks: Networks, target: Endpoint, wanted: Iterable[Wanted]) -> list[Wanted]:
    """Without a proxy an IPv6 wildcard is claimed only for a container with an IPv6 address."""
    if networks.config.userland_proxy or target.ipv6 is not None:
        return list(wanted)
    return [
        dataclasses.replace(w, host_ips=tuple(ip for ip in w.host_ips if ip != ANY6))
        if len(w.host_ips) > 1
        else w
        for w in wanted
    ]


def carries(networks: Networks, target: Endpoint, published: Published) -> bool:
    """The proxy carries what NAT cannot: another family, ::1, or everything without rules."""
    if published.protocol not in _CARRIED:
        return False
    if not networks.config.userland_proxy and not networks.config.rootless:
        return False
    if not networks.config.iptables or networks.config.rootless:
        return True
    if ":" not in published.host_ip:
        return target.ipv4 is None
    if target.ipv6 is None:
        return True
    return published.host_ip == ANY6 or ipaddress.ip_address(published.host_ip).is_loopback


def elements(networks: Networks, target: Endpoint, published: Iterable[Published]) -> list[Element]:
    """What the maps get; IPv6 without its wildcard's ::1, which rules.py leaves to the proxy."""
    out = []
    for entry in published:
        address = target.ipv6 if ":" in entry.host_ip else target.ipv4
        if address is None:
            continue
        host_ip = "" if entry.host_ip in (ANY4, ANY6) else entry.host_ip
        if host_ip and ":" in host_ip and ipaddress.ip_address(host_ip).is_loopback:
            continue
        out.append(Element(host_ip, entry.host_port, entry.protocol, str(address), entry.port))
    return out


def _carry(
    networks: Networks,
    container_id: str,
    target: Endpoint,
    published: Published,
    sock: socket.socket,
) -> None:
    address = target.ipv6 if ":" in published.host_ip else target.ipv4
    networks.carrier.listen(
        container_id,
        f"{published.host_ip} {published.host_port}/{published.protocol}",
        published.protocol,
        sock,
        (str(address or target.ipv4 or target.ipv6), published.port),
    )


def retarget(networks: Networks, sandbox: Sandbox, target: Endpoint | None) -> None:
    """Another endpoint leads outside now: the host ports follow it. None takes them down."""
    if not sandbox.published:
        return
    networks.firewall.unpublish(sandbox.elements)
    flows.unpublished(sandbox.elements)
    networks.carrier.drop(sandbox.container_id)
    sandbox.elements = []
    if target is None:
        return
    network = networks.find(target.network_id)
    if network is None or network.internal:
        return
    sandbox.elements = elements(networks, target, sandbox.published)
    if networks.config.iptables:
        networks.firewall.publish(sandbox.elements)
        flows.published(sandbox.elements)
    networks.carrier.settle()  # the proxy has let go of the ports
    carry_again(networks, sandbox, target)


def carry_again(networks: Networks, sandbox: Sandbox, target: Endpoint) -> None:
    """The proxy died: bind its ports anew. Ports that someone else took meanwhile are lost."""
    for published in sandbox.published:
        if carries(networks, target, published):
            try:
                sock = bind(published.protocol, published.host_ip, published.host_port)
            except OSError as error:
                _log.warning(
                    "port %s:%s of container %s: %s",
                    published.host_ip,
                    published.host_port,
                    sandbox.container_id[:12],
                    error.strerror,
                )
                continue
            if sock is not None:
                _carry(networks, sandbox.container_id, target, published, sock)
