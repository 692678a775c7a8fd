"""`--network` with its own keys and the older flags beside it: the endpoints of a new container."""

from orlop.cli.options import Options
from orlop.cli.request import _empty_endpoint
from orlop.cli.values import validate_mac
from orlop.text import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_PAIRS = (
    ("Aliases", "network-alias", "--network-alias and per-network alias"),
    ("Links", "link", "--link and per-network links"),
    ("IPv4Address", "ip", "--ip and per-network IPv4 address"),
    ("IPv6Address", "ip6", "--ip6 and per-network IPv6 address"),
    ("MacAddress", "mac-address", "--mac-address and per-network MAC address"),
    ("LinkLocalIPs", "link-local-ip", "--link-local-ip and per-network link-local IP addresses"),
)


def is_user_defined(target: str) -> bool:
    return target not in ("default", "bridge", "host", "none") and not target.startswith(
        "container:"
    )


def endpoints(options: Options) -> "Json":
    """EndpointsConfig by network name. Raises ValueError."""
    networks = options.all("network")
    if not networks:
        return {"default": _endpoint(_with_flags({"Target": "default"}, options))}
    found: Json = {}
    kinds = {is_user_defined(n["Target"]) for n in networks}
    for at, network in enumerate(networks):
        target = network["Target"]
        if at == 0:
            network = _with_flags(network, options)
        endpoint = _endpoint(network)
        if target in found:
            raise ValueError(f"network {go_quote(target)} is specified multiple times")
        # nothing special about the only network: the daemon makes the endpoint
        if len(networks) == 1 and endpoint == _empty_endpoint():
            continue
        found[target] = endpoint
    if len(kinds) > 1:
        raise ValueError(
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes"
        )
    return found


def _with_flags(network: "Json", options: Options) -> "Json":
    merged = dict(network)
    for key, flag, both in _PAIRS:
        given = options.values.get(flag)
        if not given:
            continue
        if network.get(key):
            raise ValueError(f"conflicting options: cannot specify both {both}")
        # on the default bridge --link is a legacy link, not an alias of the endpoint
        if key != "Links" or is_user_defined(network["Target"]):
            merged[key] = given
    return merged


def _endpoint(network: "Json") -> "Json":
    target = network["Target"]
    if not target.strip():
        raise ValueError("no name set for network")
    if not is_user_defined(target):
        if network.get("Aliases"):
            raise ValueError("network-scoped aliases are only supported for user-defined networks")
        if network.get("Links"):
            raise ValueError("links are only supported for user-defined networks")
    found = _empty_endpoint()
    found["GwPriority"] = network.get("GwPriority", 0)
    found["Aliases"] = network.get("Aliases") or None
    found["Links"] = network.get("Links") or None
    found["DriverOpts"] = network.get("DriverOpts") or None
    ipam = {
        key: network[key]
        for key in ("IPv4Address", "IPv6Address", "LinkLocalIPs")
        if network.get(key)
    }
    found["IPAMConfig"] = ipam or None
    mac = network.get("MacAddress", "")
    if mac:
        try:
            validate_mac(mac)
        except ValueError:
            raise ValueError(f"{mac} is not a valid mac address") from None
        found["MacAddress"] = mac
    return found
