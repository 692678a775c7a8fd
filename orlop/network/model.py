"""The values of this room: networks, their address blocks, endpoints. Frozen; JSON both ways."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orlop.network.ipam import Address, Subnet
from orlop.text import parse_bool

Json = dict[str, Any]

PREDEFINED = ("bridge", "host", "none")
OPTION = "com.docker.network."
BRIDGE_NAME = OPTION + "bridge.name"
DEFAULT_BRIDGE = OPTION + "bridge.default_bridge"
ICC = OPTION + "bridge.enable_icc"
MASQUERADE = OPTION + "bridge.enable_ip_masquerade"
HOST_BINDING = OPTION + "bridge.host_binding_ipv4"
INHIBIT_IPV4 = OPTION + "bridge.inhibit_ipv4"
GATEWAY_MODE_4 = OPTION + "bridge.gateway_mode_ipv4"
GATEWAY_MODE_6 = OPTION + "bridge.gateway_mode_ipv6"
MTU = OPTION + "driver.mtu"
GATEWAY4 = "DefaultGatewayIPv4"  # --default-gateway among the auxiliary addresses
IFACE_PREFIX = OPTION + "container_iface_prefix"
PARENT = "parent"
CONFIG_ONLY = "cannot create endpoint on configuration-only network"
IFNAME = OPTION + "endpoint.ifname"
SYSCTLS = OPTION + "endpoint.sysctls"


@dataclass(frozen=True, slots=True)
class Block:
    """One subnet of a network."""

    subnet: Subnet
    gateway: Address | None
    range: Subnet | None = None
    auxiliary: Mapping[str, Address] = field(default_factory=dict)
    given: bool = False  # the user chose the subnet
    ours: bool = True  # the gateway was chosen here, not given

    @property
    def route(self) -> Address | None:
        """Where the default route leads: `--default-gateway`, else the bridge."""
        return self.auxiliary.get(GATEWAY4) or self.gateway

    def to_json(self, *, whole: bool = False) -> Json:
        """As Docker shows it: not the gateway that it chose in a subnet that was given."""
        out: Json = {"Subnet": str(self.subnet)}
        if self.range is not None:
            out["IPRange"] = str(self.range)
        if self.gateway is not None and (whole or not (self.given and self.ours)):
            out["Gateway"] = str(self.gateway)
        if self.auxiliary:
            out["AuxiliaryAddresses"] = {k: str(v) for k, v in self.auxiliary.items()}
        return out

    def to_record(self) -> Json:
        return {**self.to_json(whole=True), "Given": self.given, "OurGateway": self.ours}


def block_from_json(given: Json, chosen: bool = False) -> Block:
    """`chosen`: what older records have instead of `Given`."""
    gateway, limits = given.get("Gateway"), given.get("IPRange")
    return Block(
        ipaddress.ip_network(given["Subnet"]),
        ipaddress.ip_address(gateway) if gateway else None,
        ipaddress.ip_network(limits) if limits else None,
        {k: ipaddress.ip_address(v) for k, v in (given.get("AuxiliaryAddresses") or {}).items()},
        bool(given.get("Given", chosen)),
        bool(given.get("OurGateway", not chosen)),
    )


def _shown(block: Block) -> tuple[bool, int]:
    """Sorts as Docker shows them: given subnets, then chosen ones, IPv4 first."""
    return (not block.given, block.subnet.version)


@dataclass(frozen=True, slots=True)
class Network:
    id: str
    name: str
    created: str  # RFC 3339 with nanoseconds
    driver: str  # bridge macvlan ipvlan host null
    blocks: tuple[Block, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ipam_driver: str = "default"
    ipam_options: Mapping[str, str] | None = None
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    scope: str = "local"
    config_only: bool = False  # only a source of settings for others
    config_from: str = ""  # the name of that source

    @property
    def predefined(self) -> bool:
        return self.name in PREDEFINED

    @property
    def bridge(self) -> str:
        """The name of its bridge."""
        return self.options.get(BRIDGE_NAME) or f"br-{self.id[:12]}"

    @property
    def active(self) -> tuple[Block, ...]:
        """The subnets of the families that it has."""
        return tuple(b for b in self.blocks if (self.ipv4, self.ipv6)[b.subnet.version == 6])

    def block(self, version: int) -> Block | None:
        return next((b for b in self.active if b.subnet.version == version), None)

    def flag(self, option: str, default: bool = True) -> bool:
        value = self.options.get(option)
        return default if value is None else parse_bool(value)

    def to_json(self) -> Json:
        """Docker's network object, without the containers."""
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": self.created,
            "Scope": self.scope,
            "Driver": self.driver,
            "EnableIPv4": self.ipv4,
            "EnableIPv6": self.ipv6,
            "IPAM": {
                "Driver": self.ipam_driver,
                "Options": dict(self.ipam_options) if self.ipam_options is not None else None,
                "Config": [b.to_json() for b in sorted(self.blocks, key=_shown)] or None,
            },
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": self.config_from},
            "ConfigOnly": self.config_only,
            "Containers": {},
            "Options": dict(sorted(self.options.items())),
            "Labels": dict(self.labels),
        }

    def to_record(self) -> Json:
        """As our file has it: with what Docker does not show."""
        out = self.to_json()
        out["IPAM"]["Config"] = [b.to_record() for b in self.blocks] or None
        return out


def network_from_json(given: Json) -> Network:
    ipam = given.get("IPAM") or {}
    return Network(
        id=given["Id"],
        name=given["Name"],
        created=given["Created"],
        driver=given["Driver"],
        blocks=tuple(
            block_from_json(b, bool(given.get("Chosen"))) for b in ipam.get("Config") or ()
        ),
        options=dict(given.get("Options") or {}),
        labels=dict(given.get("Labels") or {}),
        ipam_driver=ipam.get("Driver") or "default",
        ipam_options=ipam.get("Options"),
        ipv4=bool(given.get("EnableIPv4", True)),
        ipv6=bool(given.get("EnableIPv6")),
        internal=bool(given.get("Internal")),
        attachable=bool(given.get("Attachable")),
        scope=given.get("Scope") or "local",
        config_only=bool(given.get("ConfigOnly")),
        config_from=(given.get("ConfigFrom") or {}).get("Network") or "",
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One container's place in one network."""

    id: str
    network_id: str
    container_id: str
    container_name: str
    interface: str = ""  # its name inside: eth0
    host_interface: str = ""  # its name on the host: vethXXXXXXX
    mac: str = ""
    ipv4: Address | None = None
    ipv6: Address | None = None
    names: tuple[str, ...] = ()  # what DNS answers to on this network
    settings: Mapping[str, Any] = field(default_factory=dict)  # as stored in the record
