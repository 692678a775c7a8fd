"""The text of the engine's one nftables table. Pure.

    raw        no neighbour talks to a container's address directly (S59), no container to 127/8
    publish    host ports: `address . protocol . port` before `protocol . port`
    forward    into a bridge only answers and what was published; out of it everything
    postrouting  masquerade outwards, hairpins, and what the host itself sends from 127/8

Every rule names its interfaces, so several daemons and other engines live side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orlop.errors import InvalidArgument

_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}", re.ASCII)
_CHAIN = re.compile(r"[^A-Za-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class BridgeRules:
    """What the firewall knows of one bridge network. Subnets and gateways as text."""

    bridge: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    masquerade: bool = True
    internal: bool = False
    icc: bool = True
    open4: bool = False  # gateway mode routed or nat-unprotected: neighbours may come directly
    open6: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One published port. `host_ip` "" stands for every address of the family."""

    host_ip: str
    host_port: int
    protocol: str
    address: str
    port: int

    @property
    def map(self) -> str:
        return f"{'at' if self.host_ip else 'any'}{6 if ':' in self.address else 4}"

    @property
    def key(self) -> str:
        prefix = f"{self.host_ip} . " if self.host_ip else ""
        return f"{prefix}{self.protocol} . {self.host_port}"

    @property
    def text(self) -> str:
        return f"{self.key} : {self.address} . {self.port}"


def check_interface(name: str) -> str:
    """A name that may stand in a rule. Raises InvalidArgument."""
    if not _INTERFACE.fullmatch(name) or name in (".", ".."):
        raise InvalidArgument(f"invalid bridge name: {name!r}")
    return name


def table(
    name: str,
    bridges: Iterable[BridgeRules],
    elements: Iterable[Element] = (),
    uplinks: Iterable[str] = (),
) -> str:
    """One transaction that replaces the table `inet name`."""
    bridges = list(bridges)
    sections = [
        *_maps(list(elements)),
        *_raw(bridges),
        *_nat(bridges),
        *_forward(bridges, list(uplinks)),
    ]
    body = "\n".join(f"  {line}" for line in sections)
    return f"table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n{body}\n}}\n"


def _names(names: Iterable[str]) -> str:
    return "{ " + ", ".join(f'"{check_interface(n)}"' for n in names) + " }"


def _maps(elements: list[Element]) -> list[str]:
    out = []
    for name, family in (("at4", 4), ("any4", 4), ("at6", 6), ("any6", 6)):
        address = f"ipv{family}_addr"
        key = "inet_proto . inet_service"
        if name.startswith("at"):
            key = f"{address} . {key}"
        out.append(f"map {name} {{")
        out.append(f"  type {key} : {address} . inet_service")
        mine = [e.text for e in elements if e.map == name]
        if mine:
            out.append("  elements = { " + ", ".join(mine) + " }")
        out.append("}")
    return out


def _family(text: str) -> str:
    return "ip6" if ":" in text else "ip"


def _raw(bridges: list[BridgeRules]) -> list[str]:
    out = ["chain raw {", "  type filter hook prerouting priority -300; policy accept;"]
    if bridges:
        # route_localnet on the bridges would let containers reach the host's loopback.
        out.append(f"  iifname {_names(b.bridge for b in bridges)} ip daddr 127.0.0.0/8 drop")
    out += [f"  {rule} drop" for b in bridges if b.masquerade for rule in _direct(b)]
    plain = [rule for b in bridges if not b.masquerade for rule in _direct(b)]
    if plain:
        # Without masquerading, answers to containers bear their addresses, too: conntrack (-200)
        # tells them apart, before any translation (-100).
        out += ["}", "chain guard {", "  type filter hook prerouting priority -150; policy accept;"]
        out += [f"  {rule} ct state != {{ established, related }} drop" for rule in plain]
    return [*out, "}"]


def _direct(bridge: BridgeRules) -> list[str]:
    """Matches packets from elsewhere to the containers' addresses, per subnet."""
    out = []
    for subnet, gateway in zip(bridge.subnets, bridge.gateways):
        family = _family(subnet)
        if bridge.open6 if family == "ip6" else bridge.open4:
            continue
        own = f" {family} daddr != {gateway}" if gateway else ""
        out.append(f'iifname != "{bridge.bridge}" iifname != "lo" {family} daddr {subnet}{own}')
    return out


def _nat(bridges: list[BridgeRules]) -> list[str]:
    out = [
        "chain publish {",
        "  dnat ip to ip daddr . meta l4proto . th dport map @at4",
        "  dnat ip to meta l4proto . th dport map @any4",
        "  dnat ip6 to ip6 daddr . meta l4proto . th dport map @at6",
        "  dnat ip6 to meta l4proto . th dport map @any6",
        "}",
        "chain prerouting {",
        "  type nat hook prerouting priority -100; policy accept;",
        # A forged packet from a neighbour, where someone set route_localnet.
        "  ip daddr 127.0.0.0/8 return",
        "  fib daddr type local jump publish",
        "}",
        "chain output {",
        "  type nat hook output priority -100; policy accept;",
        "  ip6 daddr ::1 return",  # the proxy's: the kernel never routes ::1 off the loopback
        "  fib daddr type local jump publish",
        "}",
        "chain postrouting {",
        "  type nat hook postrouting priority 100; policy accept;",
    ]
    if bridges:
        names = _names(b.bridge for b in bridges)
        out.append(f"  ip saddr 127.0.0.0/8 oifname {names} masquerade")
    for bridge in bridges:
        for subnet in bridge.subnets:
            source = f"{_family(subnet)} saddr {subnet}"
            # A container that reaches itself or a sibling through a published port: the answer
            # must come back through the host.
            out.append(f'  {source} oifname "{bridge.bridge}" ct status dnat masquerade')
            if bridge.masquerade and not bridge.internal:
                out.append(f'  {source} oifname != "{bridge.bridge}" masquerade')
    return [*out, "}"]


def _forward(bridges: list[BridgeRules], uplinks: list[str]) -> list[str]:
    out: list[str] = []
    chains = [f"to_{i}_{_CHAIN.sub('_', b.bridge)}" for i, b in enumerate(bridges)]
    for bridge, chain in zip(bridges, chains):
        name = bridge.bridge
        out.append(f"chain {chain} {{")
        if not bridge.internal:
            out.append("  ct status dnat accept")
        if bridge.icc:
            out.append(f'  iifname "{name}" accept')
        for family, is_open in (("ipv4", bridge.open4), ("ipv6", bridge.open6)):
            if is_open and not bridge.internal:
                out.append(f"  meta nfproto {family} accept")
        out += ["  drop", "}"]
    out += [
        "chain forward {",
        "  type filter hook forward priority 0; policy accept;",
        "  ct state established,related accept",
    ]
    for bridge in bridges:
        if bridge.internal:
            out.append(f'  iifname "{bridge.bridge}" oifname != "{bridge.bridge}" drop')
    if bridges:
        jumps = ", ".join(f'"{b.bridge}" : jump {c}' for b, c in zip(bridges, chains))
        out.append(f"  oifname vmap {{ {jumps} }}")
    if uplinks:
        # We turned IP forwarding on: that must not make a router of this host.
        names = _names(uplinks)
        out.append(f"  meta nfproto ipv4 iifname {names} oifname {names} drop")
    return [*out, "}"]


def add(name: str, elements: Iterable[Element]) -> str:
    return "".join(f"add element inet {name} {e.map} {{ {e.text} }}\n" for e in elements)


def delete(name: str, elements: Iterable[Element]) -> str:
    return "".join(f"delete element inet {name} {e.map} {{ {e.key} }}\n" for e in elements)
