"""Networks: dockerd's `network/files/local-kv.db` and our `orlop/networks.json`.

local-kv.db: bucket "libnetwork", keys `docker/network/v1.0/<kind>/<id>/`, values a number (u64,
little endian, the order of writing) and JSON. Kinds: network, bridge (the driver's view of it),
endpoint_count; and of running containers endpoint, bridge-endpoint, sandbox.
"""

from __future__ import annotations

import ipaddress
import json
import struct
from typing import Any

from orlop import bolt

Json = dict[str, Any]

BUCKET = b"libnetwork"
PREFIX = "docker/network/v1.0/"
_OF_CONTAINERS = ("endpoint/", "bridge-endpoint/", "sandbox/")
_GENERIC = "com.docker.network.generic"
_OPTION = "com.docker.network."
_NONE = "<nil>"
_ORDER = struct.Struct("<Q")


def records(bucket: bolt.Bucket, kind: str) -> dict[str, Json]:
    """By ID. Raises bolt.Damaged."""
    start = f"{PREFIX}{kind}/".encode()
    out = {}
    for key, value in bucket.items():
        if key.startswith(start):
            record = json.loads(value[8:]) if isinstance(value, bytes) else None
            if not isinstance(record, dict):
                raise bolt.Damaged(f"record {key!r}")
            out[key[len(start) :].strip(b"/").decode()] = record
    return out


def ours(record: Json) -> Json:
    """A network as our file has it, from dockerd's record of it."""
    blocks = [*_blocks(record, "V4"), *_blocks(record, "V6")]
    generic = record.get("generic") or {}
    return {
        "Name": record["name"],
        "Id": record["id"],
        "Created": record.get("created") or "",
        "Driver": record["networkType"],
        "EnableIPv4": record.get("enableIPv4", True),
        "EnableIPv6": bool(record.get("enableIPv6")),
        "IPAM": {
            "Driver": record.get("ipamType") or "default",
            "Options": record.get("ipamOptions"),
            "Config": blocks or None,
        },
        "Internal": bool(record.get("internal")),
        "Attachable": bool(record.get("attachable")),
        "Options": generic.get(_GENERIC) or {},
        "Labels": record.get("labels") or {},
        "Scope": record.get("scope") or "local",
        "ConfigOnly": bool(record.get("configOnly")),
        "ConfigFrom": {"Network": record.get("configFrom") or ""},
    }


def _list(record: Json, name: str) -> list[Json]:
    """libnetwork keeps these lists as JSON in a text."""
    found = json.loads(record.get(name) or "null")
    return found if isinstance(found, list) else []


def _blocks(record: Json, family: str) -> list[Json]:
    configured = _list(record, f"ipam{family}Config")
    out = []
    for index, info in enumerate(_list(record, f"ipam{family}Info")):
        data = json.loads(info.get("IPAMData") or "{}")
        block: Json = {"Subnet": data["Pool"]}
        given = configured[index] if index < len(configured) else {}
        block["Given"] = bool(given.get("PreferredPool"))
        block["OurGateway"] = not given.get("Gateway")
        if given.get("SubPool"):
            block["IPRange"] = given["SubPool"]
        if data.get("Gateway"):
            block["Gateway"] = data["Gateway"].partition("/")[0]
        auxiliary = data.get("AuxAddresses") or {}
        if auxiliary:
            block["AuxiliaryAddresses"] = {
                name: address.partition("/")[0] for name, address in auxiliary.items()
            }
        out.append(block)
    return out


def merge(bucket: bolt.Bucket, networks: list[Json]) -> bolt.Bucket:
    """dockerd's bucket brought up to date: gone networks out, new ones in, nothing attached.

    `networks`: our records. What is known under its ID keeps dockerd's own record.
    """
    wanted = {network["Id"]: network for network in networks}
    known = records(bucket, "network")
    out: bolt.Bucket = {}
    for key, value in bucket.items():
        text = key.decode("utf-8", "surrogateescape")
        kind, _, rest = text.removeprefix(PREFIX).partition("/")
        if text.startswith(tuple(PREFIX + kind for kind in _OF_CONTAINERS)):
            continue
        id = rest.strip("/")
        if kind in ("network", "bridge", "endpoint_count") and id not in wanted:
            continue
        out[key] = _count(value) if kind == "endpoint_count" else value
    order = max((_ORDER.unpack_from(v)[0] for v in out.values() if isinstance(v, bytes)), default=0)
    for id, network in wanted.items():
        if id in known or network["Name"] in ("bridge", "host", "none"):
            continue  # dockerd makes its own of these three at every start
        added = {"network": theirs(network), "endpoint_count": {"Count": 0}}
        if network["Driver"] == "bridge":
            added["bridge"] = _bridge(network)
        for kind, record in added.items():
            order += 1
            out[f"{PREFIX}{kind}/{id}/".encode()] = _ORDER.pack(order) + _dumps(record)
    return out


def _count(value: bytes | bolt.Bucket) -> bytes:
    """Nothing is attached while no container runs."""
    assert isinstance(value, bytes)
    return value[:8] + _dumps({"Count": 0})


def _dumps(record: Json) -> bytes:
    return json.dumps(record, separators=(",", ":"), sort_keys=True).encode()


def theirs(network: Json) -> Json:
    """libnetwork's record of a network that orlop made."""
    blocks = network["IPAM"].get("Config") or []
    out: Json = {
        "addrSpace": "LocalDefault" if blocks else "",
        "attachable": network["Attachable"],
        "configFrom": (network.get("ConfigFrom") or {}).get("Network") or "",
        "configOnly": bool(network.get("ConfigOnly")),
        "created": network["Created"],
        "enableIPv4": network["EnableIPv4"],
        "enableIPv6": network["EnableIPv6"],
        "generic": {
            _OPTION + "enable_ipv4": network["EnableIPv4"],
            _OPTION + "enable_ipv6": network["EnableIPv6"],
            _GENERIC: network["Options"],
            **({_OPTION + "internal": True} if network["Internal"] else {}),
        },
        "id": network["Id"],
        "inDelete": False,
        "ingress": False,
        "internal": network["Internal"],
        "ipamOptions": network["IPAM"].get("Options") or {},
        "ipamType": network["IPAM"]["Driver"],
        "labels": network["Labels"],
        "loadBalancerIP": "",
        "loadBalancerMode": "NAT",
        "name": network["Name"],
        "networkType": network["Driver"],
        "persist": True,
        "scope": network.get("Scope") or "local",
        "skipGwAllocIPv4": False,
        "skipGwAllocIPv6": False,
    }
    for version, family in ((4, "V4"), (6, "V6")):
        mine = [b for b in blocks if ipaddress.ip_network(b["Subnet"]).version == version]
        if mine:
            out[f"ipam{family}Config"] = json.dumps([_configured(b) for b in mine])
            out[f"ipam{family}Info"] = json.dumps([_allocated(b) for b in mine])
    return out


def _configured(block: Json) -> Json:
    given = bool(block.get("Given"))
    return {
        "PreferredPool": block["Subnet"] if given else "",
        "SubPool": block.get("IPRange", "") if given else "",
        "Gateway": block.get("Gateway", "") if given and not block.get("OurGateway") else "",
        "AuxAddresses": block.get("AuxiliaryAddresses") or None,
    }


def _allocated(block: Json) -> Json:
    subnet = ipaddress.ip_network(block["Subnet"])
    data: Json = {"AddressSpace": "LocalDefault", "Pool": str(subnet)}
    if block.get("Gateway"):
        data["Gateway"] = f"{block['Gateway']}/{subnet.prefixlen}"
    auxiliary = block.get("AuxiliaryAddresses") or {}
    if auxiliary:
        data["AuxAddresses"] = {n: f"{a}/{subnet.prefixlen}" for n, a in auxiliary.items()}
    pool = f"LocalDefault/{subnet}"
    if block.get("IPRange"):
        pool += f"/{block['IPRange']}"
    return {"IPAMData": json.dumps(data, separators=(",", ":")), "PoolID": pool}


def _bridge(network: Json) -> Json:
    """The bridge driver's record, with the keys of all releases since 20.10."""
    options = network["Options"]
    out: Json = {
        "BridgeIfaceCreator": 1,
        "BridgeName": options.get(_OPTION + "bridge.name") or f"br-{network['Id'][:12]}",
        "ContainerIfacePrefix": options.get(_OPTION + "container_iface_prefix", ""),
        "DefaultBindingIP": options.get(_OPTION + "bridge.host_binding_ipv4") or _NONE,
        "DefaultBridge": False,
        "DefaultGatewayIPv4": _NONE,
        "DefaultGatewayIPv6": _NONE,
        "EnableICC": options.get(_OPTION + "bridge.enable_icc", "true") == "true",
        "EnableIPMasquerade": options.get(_OPTION + "bridge.enable_ip_masquerade", "true")
        == "true",
        "EnableIPv4": network["EnableIPv4"],
        "EnableIPv6": network["EnableIPv6"],
        "GwModeIPv4": options.get(_OPTION + "bridge.gateway_mode_ipv4", ""),
        "GwModeIPv6": options.get(_OPTION + "bridge.gateway_mode_ipv6", ""),
        "HostIP": _NONE,
        "HostIPv4": _NONE,
        "HostIPv6": _NONE,
        "ID": network["Id"],
        "InhibitIPv4": options.get(_OPTION + "bridge.inhibit_ipv4", "false") == "true",
        "Internal": network["Internal"],
        "Mtu": int(options.get(_OPTION + "driver.mtu") or 0),
        "TrustedHostInterfaces": "",
    }
    for block in network["IPAM"].get("Config") or []:
        subnet = ipaddress.ip_network(block["Subnet"])
        if block.get("Gateway"):
            out[f"AddressIPv{subnet.version}"] = f"{block['Gateway']}/{subnet.prefixlen}"
    return out
