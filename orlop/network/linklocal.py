"""Link-local addresses of an endpoint (`--link-local-ip`): beside the ones of its network. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any

from orlop.network.model import Endpoint

_LENGTH = {4: 16, 6: 64}


def ops(endpoint: Endpoint) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for text in (endpoint.settings.get("IPAMConfig") or {}).get("LinkLocalIPs") or ():
        address = ipaddress.ip_address(text)
        length = _LENGTH[address.version]
        broadcast = b""
        if address.version == 4:
            network = ipaddress.ip_network((address, length), strict=False)
            broadcast = network.broadcast_address.packed
        out.append(("address", endpoint.interface, address.packed, length, broadcast))
    return out
