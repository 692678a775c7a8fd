"""Forget UDP flows whose translation a published port, or its end, makes wrong."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable

from orlop.kernel import conntrack, netlink
from orlop.kernel.conntrack import Flow
from orlop.network.rules import Element

_log = logging.getLogger(__name__)


def published(elements: Iterable[Element]) -> None:
    """Flows to these host ports began before the rule: they would never meet it."""
    _forget(elements, by_host_port)


def unpublished(elements: Iterable[Element]) -> None:
    """Flows to these containers go nowhere now."""
    _forget(elements, by_container)


def by_host_port(flow: Flow, element: Element, local: set[bytes]) -> bool:
    if flow.port != element.host_port:
        return False
    if element.host_ip:
        return flow.destination == ipaddress.ip_address(element.host_ip).packed
    return flow.destination in local or flow.destination[:1] == b"\x7f"


def by_container(flow: Flow, element: Element, local: set[bytes]) -> bool:
    return flow.reply_source == ipaddress.ip_address(element.address).packed


Test = Callable[[Flow, Element, set[bytes]], bool]


def _forget(elements: Iterable[Element], test: Test) -> None:
    udp = [e for e in elements if e.protocol == "udp"]
    if not udp:
        return
    try:
        local = {ip for _, ip, _ in netlink.addresses()}
        for family, colon in ((socket.AF_INET, False), (socket.AF_INET6, True)):
            mine = [e for e in udp if (":" in e.address) is colon]
            if mine:
                conntrack.forget(family, _matcher(test, mine, local))
    except OSError as error:
        _log.warning("cannot forget UDP flows: %s", error)


def _matcher(test: Test, elements: list[Element], local: set[bytes]) -> Callable[[Flow], bool]:
    def matches(flow: Flow) -> bool:
        return flow.protocol == conntrack.UDP and any(test(flow, e, local) for e in elements)

    return matches
