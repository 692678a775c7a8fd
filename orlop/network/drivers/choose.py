"""The seam of the drivers that make links, and which of them makes a network."""

from __future__ import annotations

from typing import Any, Protocol

from orlop.network.drivers import bridge, sublink
from orlop.network.model import Endpoint, Network

Op = tuple[Any, ...]

MADE = ("bridge", *sublink.DRIVERS)  # the others are the host's own and none


class Driver(Protocol):
    """A module: its functions."""

    def up(self, network: Network, alias: str, default_mtu: int) -> None:
        """Have the network's link on the host: idempotent. Raises OrlopError."""

    def down(self, network: Network, alias: str) -> None:
        """Remove what `up` made; an absent link is no error. Raises SystemFailure."""

    def link(self, network: Network) -> str:
        """The name of that link."""

    def host_ops(self, network: Network, endpoint: Endpoint, default_mtu: int) -> list[Op]: ...

    def container_ops(self, network: Network, endpoint: Endpoint, *, gateway: bool) -> list[Op]: ...

    def route_ops(self, network: Network, endpoint: Endpoint) -> list[Op]: ...


def of(network: Network) -> Driver:
    return sublink if network.driver in sublink.DRIVERS else bridge
