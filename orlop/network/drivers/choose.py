"""Which driver makes a network: all have host_ops, container_ops and route_ops."""

from __future__ import annotations

from types import ModuleType

from orlop.network.drivers import bridge, sublink
from orlop.network.model import Network


def of(network: Network) -> ModuleType:
    return sublink if network.driver in sublink.DRIVERS else bridge
