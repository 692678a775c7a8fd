"""What a container is called on its user-defined networks, as the resolver is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from orlop.network import containerfiles, links
from orlop.network.model import Endpoint, Network
from orlop.network.networks import Networks, Sandbox

Json = dict[str, Any]


def needs_resolver(networks: Networks, sandbox: Sandbox) -> bool:
    """It is on a network with names."""
    return any(True for _ in _named(networks, sandbox))


def _named(networks: Networks, sandbox: Sandbox) -> list[tuple[Network, Endpoint]]:
    known = [(networks.find(id), e) for id, e in sandbox.endpoints.items()]
    return [(n, e) for n, e in known if n is not None and not n.predefined]


def learn(networks: Networks, sandbox: Sandbox, host_config: Mapping[str, Any]) -> None:
    """Links and upstream resolvers from the container's configuration."""
    wanted = [*(host_config.get("Links") or ())]
    for endpoint in sandbox.endpoints.values():
        wanted += endpoint.settings.get("Links") or ()
    sandbox.links = {alias: name for name, alias in map(links.parse, wanted)}
    sandbox.upstreams = containerfiles.upstreams(networks, host_config)


def announce(networks: Networks, sandbox: Sandbox) -> None:
    """Tell the resolver. Raises SystemFailure when there is none."""
    networks.resolver.put(document(networks, sandbox))


def document(networks: Networks, sandbox: Sandbox) -> Json:
    """See `dns.names`."""
    named = _named(networks, sandbox)
    return {
        "id": sandbox.container_id,
        "networks": [
            {
                "id": network.id,
                "name": network.name,
                "ipv4": str(endpoint.ipv4 or ""),
                "ipv6": str(endpoint.ipv6 or ""),
                "names": list(endpoint.names),
            }
            for network, endpoint in named
        ],
        "links": sandbox.links,
        "upstreams": sandbox.upstreams,
        "forward": not all(network.internal for network, _ in named)
        or len(named) < len(sandbox.endpoints),
    }


def renamed(networks: Networks, container_id: str, name: str) -> None:
    """Its old name is nobody's now; aliases stay."""
    with networks.lock:
        sandbox = networks.sandboxes.get(container_id)
        if sandbox is None:
            return
        old, sandbox.name = sandbox.name, name
        for id, endpoint in sandbox.endpoints.items():
            names = [name if n == old else n for n in endpoint.names]
            sandbox.endpoints[id] = dataclasses.replace(
                endpoint, container_name=name, names=tuple(dict.fromkeys(names))
            )
        if needs_resolver(networks, sandbox):
            announce(networks, sandbox)
