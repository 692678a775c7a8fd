"""Remove a user-defined network that nobody is attached to."""

from __future__ import annotations

from orlop.errors import Forbidden
from orlop.network import bringup
from orlop.network.networks import Networks


def remove(networks: Networks, ref: str) -> None:
    """Raises NotFound, Forbidden with Docker's texts."""
    with networks.lock:
        network = networks.get(ref)
        if network.predefined:
            raise Forbidden(f"{network.name} is a pre-defined network and cannot be removed")
        attached = networks.endpoints(network.id)
        if attached:
            shown = ", ".join(f'name:"{e.container_name}" id:"{e.id[:12]}"' for e in attached)
            raise Forbidden(
                f"error while removing network: network {network.name} has active endpoints "
                f"({shown})"
            )
        if network.config_only and any(n.config_from == network.name for n in networks.all()):
            raise Forbidden(
                f'error while removing network: configuration network "{network.name}" is in use'
            )
        networks.discard(network)
        networks.save()
        if network.driver == "bridge":
            bringup.apply_firewall(networks)
        if not network.config_only:
            bringup.links_down(networks, network)
    networks.publish_event("destroy", network)
