"""Address options of `network create`: every range, gateway and auxiliary address finds its
subnet."""

import ipaddress

from orlop.cli.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def configuration(options: Options) -> "Json":
    """The API's IPAM. Raises ValueError."""
    subnets = options.all("subnet")
    ranges, gateways = options.all("ip-range"), options.all("gateway")
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise ValueError("every ip-range or gateway must have a corresponding subnet")
    found: dict[str, Json] = {}
    for subnet in subnets:
        for known in found:
            if _matches(subnet, known) or _matches(known, subnet):
                raise ValueError("multiple overlapping subnet configuration is not supported")
        found[subnet] = {"Subnet": subnet}
    for value, key, what, many in [
        *((r, "IPRange", "range", "ranges") for r in ranges),
        *((g, "Gateway", "gateway", "gateways") for g in gateways),
    ]:
        if key == "IPRange":
            _cidr(value)
        subnet = _subnet_for(value, subnets, what)
        if key in found[subnet]:
            on = "on" if key == "IPRange" else "for"
            raise ValueError(
                f"cannot configure multiple {many} ({value}, {found[subnet][key]}) "
                f"{on} the same subnet ({subnet})"
            )
        found[subnet][key] = value
    for name, address in options.map("aux-address").items():
        subnet = _subnet_for(address, subnets, "aux-address")
        found[subnet].setdefault("AuxiliaryAddresses", {})[name] = address
    return {
        "Driver": options.text("ipam-driver", "default"),
        "Options": options.map("ipam-opt"),
        "Config": list(found.values()),
    }


def _subnet_for(value: str, subnets: list[str], what: str) -> str:
    for subnet in subnets:
        if _matches(subnet, value):
            return subnet
    raise ValueError(f"no matching subnet for {what} {value}")


def _network(text: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network":
    try:
        if "/" not in text:
            raise ValueError
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"invalid subnet: invalid CIDR address: {text}") from None


def _cidr(text: str) -> "ipaddress.IPv4Interface | ipaddress.IPv6Interface":
    try:
        if "/" not in text:
            raise ValueError
        return ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError(f"invalid CIDR address: {text}") from None


def _matches(subnet: str, value: str) -> bool:
    network = _network(subnet)
    if "/" in value:
        address = _cidr(value).ip
    else:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
    return address.version == network.version and address in network
