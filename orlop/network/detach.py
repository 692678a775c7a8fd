"""Detach a container that ended: ports, rules and addresses are free again. Never waits.

Its links go with its namespace: deleting one here would cost 12-20 ms of the kernel's time.
"""

from __future__ import annotations

from pathlib import Path

from orlop.network import flows
from orlop.network.networks import Networks, close_sockets


def detach(networks: Networks, container_id: str) -> None:
    """Idempotent: an unknown container is no error."""
    with networks.lock:
        sandbox = networks.sandboxes.pop(container_id, None)
        if sandbox is None:
            return
        networks.firewall.unpublish(sandbox.elements)
        if networks.config.iptables:
            flows.unpublished(sandbox.elements)
        networks.carrier.drop(container_id)
        networks.resolver.drop(container_id)
        close_sockets(sandbox)
        networks.ports.release(sandbox.published)
        if not sandbox.key.endswith("/default"):
            Path(sandbox.key).unlink(missing_ok=True)
        for endpoint in sandbox.endpoints.values():
            networks.release(endpoint)
            network = networks.find(endpoint.network_id)
            if network is not None:
                networks.publish_event("disconnect", network, container=container_id)
