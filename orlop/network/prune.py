"""Remove the user-defined networks that no container uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from orlop.errors import InvalidArgument, OrlopError
from orlop.network.list import labels_match
from orlop.network.networks import Networks
from orlop.network.remove import remove

_KNOWN = ("label", "label!", "until")


def prune(
    networks: Networks,
    filters: Mapping[str, Sequence[str]],
    older: Callable[[str], bool] = lambda created: True,
    used: Callable[[str], bool] = lambda network_id: False,
) -> list[str]:
    """Names removed. `older`: does a creation time pass `until`. `used`: stopped containers'."""
    for name in filters:
        if name not in _KNOWN:
            raise InvalidArgument(f"invalid filter '{name}'")
    removed = []
    for network in networks.all():
        if (
            network.predefined
            or network.config_only
            or networks.endpoints(network.id)
            or used(network.id)
        ):
            continue
        if not labels_match(network.labels, filters) or not older(network.created):
            continue
        try:
            remove(networks, network.id)
        except OrlopError:
            continue  # someone attached meanwhile
        removed.append(network.name)
    networks.events.publish("network", "prune", "", {"reclaimed": "0"})
    return removed
