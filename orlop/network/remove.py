"""Remove a user-defined network that nobody is attached to."""

from __future__ import annotations

from orlop.errors import Forbidden
from orlop.network import bringup
from orlop.network.drivers import bridge
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
        networks.discard(network)
        networks.save()
        bringup.apply_firewall(networks)
        bridge.down(network)
    networks.publish_event("destroy", network)
