"""What a container wants published: HostConfig.PortBindings, ExposedPorts, `-P`. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orlop.errors import InvalidArgument

PROTOCOLS = ("tcp", "udp", "sctp")
ANY4, ANY6 = "0.0.0.0", "::"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One container port on one host port of a range; low 0 lets the engine choose."""

    port: int
    protocol: str
    host_ips: tuple[str, ...]
    low: int = 0
    high: int = 0

    @property
    def key(self) -> str:
        return f"{self.port}/{self.protocol}"


def number_range(text: str) -> tuple[int, int]:
    """`80` or `8000-8010`. Raises InvalidArgument with Docker's text."""
    low, dash, high = text.partition("-")
    if not dash:
        high = low
    if all(len(n) <= 5 and n.isascii() and n.isdigit() for n in (low, high)):
        first, last = int(low), int(high)
        if first <= last <= 65535:
            return first, last
    raise InvalidArgument(f'invalid port specification: "{text}"')


def split_key(key: str) -> tuple[int, str]:
    """`80/tcp` or `80`. Raises InvalidArgument."""
    number, _, protocol = key.partition("/")
    first, last = number_range(number)
    if first != last or not first:
        raise InvalidArgument(f'invalid port specification: "{number}"')
    return first, (protocol or "tcp").lower()


def expand_key(key: str) -> list[tuple[int, str]]:
    """Like split_key, with ranges: `1000-1002/tcp`."""
    number, _, protocol = key.partition("/")
    first, last = number_range(number)
    return [(n, (protocol or "tcp").lower()) for n in range(first, last + 1)]


def wanted(
    bindings: Mapping[str, Any] | None,
    exposed: Iterable[str] | None,
    *,
    publish_all: bool,
    default_ip: str,
) -> list[Wanted]:
    """Every host port asked for; given ones first, so that chosen ones avoid them."""
    out: list[Wanted] = []
    listed: set[tuple[int, str]] = set()
    for key, entries in (bindings or {}).items():
        port, protocol = split_key(key)
        if protocol not in PROTOCOLS:
            continue
        listed.add((port, protocol))
        for binding in entries or [{}]:
            low, high = number_range((binding or {}).get("HostPort") or "0")
            ips = host_ips((binding or {}).get("HostIp") or "", default_ip)
            out.append(Wanted(port, protocol, ips, low, high))
    if publish_all:
        for port, protocol in exposed_ports(exposed):
            if (port, protocol) not in listed and protocol in PROTOCOLS:
                out.append(Wanted(port, protocol, host_ips("", default_ip)))
    return sorted(out, key=lambda w: (w.low == 0, w.low != w.high, w.port, w.protocol))


def exposed_ports(exposed: Iterable[str] | None) -> list[tuple[int, str]]:
    found: dict[tuple[int, str], None] = {}
    for key in exposed or ():
        for entry in expand_key(key):
            found[entry] = None
    return sorted(found)


def host_ips(given: str, default_ip: str) -> tuple[str, ...]:
    """The addresses to bind. An unset one means every IPv4 and IPv6 address, as in Docker."""
    chosen = _address(given)  # Docker takes what is no address for unset
    if chosen is None:
        chosen = _address(default_ip)
        if chosen is None or chosen == ANY4:
            return (ANY4, ANY6)
    return (chosen,)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
