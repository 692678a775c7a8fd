"""Address management: pools of addresses and the choice of subnets. Pure; time is passed in.

A pool hands out the lowest free address, as Docker does, but rests an address for a moment after
its release: the kernel takes some milliseconds to take a dead namespace's link off the bridge.
"""

from __future__ import annotations

import heapq
import ipaddress
from collections.abc import Iterable, Iterator

from orlop.errors import Forbidden, InvalidArgument, SystemFailure

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REST = 1.0  # seconds
OVERLAP = "invalid pool request: Pool overlaps with other one on this address space"
# Docker's built-in pools: (base, prefix length of the networks cut from it).
DEFAULT_POOLS: tuple[tuple[str, int], ...] = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)


class Pool:
    """Addresses of one subnet, optionally only of a range of it."""

    __slots__ = ("_high", "_low", "_next", "_resting", "_used", "subnet")

    def __init__(self, subnet: Subnet, allowed: Subnet | None = None) -> None:
        self.subnet = subnet
        inside = allowed or subnet
        low, high = int(inside.network_address), int(inside.broadcast_address)
        if subnet.version == 4:  # never the network's and the broadcast address
            if low == int(subnet.network_address):
                low += subnet.prefixlen < 31
            if high == int(subnet.broadcast_address):
                high -= subnet.prefixlen < 31
        elif low == int(subnet.network_address):
            low += 1  # the subnet-router anycast address
        self._low, self._high = low, high
        self._next = low  # everything below was handed out once
        self._used: set[int] = set()
        self._resting: list[tuple[int, float]] = []  # (address, rested at), a heap by address

    def __contains__(self, address: Address) -> bool:
        return address in self.subnet

    def used(self, address: Address) -> bool:
        return int(address) in self._used

    def take(self, address: Address) -> None:
        """Reserve a wanted address. Raises Forbidden with Docker's text when it is in use."""
        if int(address) in self._used:
            raise Forbidden("Address already in use")
        self._used.add(int(address))

    def allocate(self, now: float, preferred: Address | None = None) -> Address:
        """The lowest free address (`preferred`, if it is free). Raises SystemFailure."""
        if preferred is not None and self._is_free(int(preferred)):
            self._used.add(int(preferred))
            return preferred
        value = self._rested(now)
        if value is None:
            value = self._fresh()
        if value is None:
            value = self._tired()
        if value is None:
            raise SystemFailure("no available addresses on this pool")
        self._used.add(value)
        return self._address(value)

    def _is_free(self, value: int) -> bool:
        return self._low <= value <= self._high and value not in self._used

    def release(self, address: Address, now: float, *, unused: bool = False) -> None:
        """Give back; unknown addresses are ignored. One that was `unused` needs no rest."""
        value = int(address)
        if value in self._used:
            self._used.discard(value)
            if self._low <= value < self._next:
                heapq.heappush(self._resting, (value, now if unused else now + REST))

    def _rested(self, now: float) -> int | None:
        tired = []
        found = None
        while self._resting:
            value, ready = heapq.heappop(self._resting)
            if value in self._used:
                continue
            if ready <= now:
                found = value
                break
            tired.append((value, ready))
        for entry in tired:
            heapq.heappush(self._resting, entry)
        return found

    def _fresh(self) -> int | None:
        while self._next <= self._high:
            value = self._next
            self._next += 1
            if value not in self._used:
                return value
        return None

    def _tired(self) -> int | None:
        """All taken but the resting ones: the one that rests longest."""
        free = [(ready, value) for value, ready in self._resting if value not in self._used]
        if not free:
            return None
        _, value = min(free)
        self._resting = [e for e in self._resting if e[0] != value]
        heapq.heapify(self._resting)
        return value

    def _address(self, value: int) -> Address:
        return type(self.subnet.network_address)(value)


def candidates(pools: Iterable[tuple[str, int]], version: int) -> Iterator[Subnet]:
    """Subnets to try, in order. Raises InvalidArgument for a wrong pool."""
    for base, size in pools:
        try:
            network = ipaddress.ip_network(base)
            if network.version == version:
                yield from network.subnets(new_prefix=size)
        except ValueError as error:
            raise InvalidArgument(f"invalid default address pool {base}: {error}") from None


def choose(pools: Iterable[tuple[str, int]], taken: Iterable[Subnet], version: int = 4) -> Subnet:
    """The first subnet of `pools` that overlaps none of `taken`. Raises SystemFailure."""
    occupied = [t for t in taken if t.version == version]
    for candidate in candidates(pools, version):
        if not any(candidate.overlaps(other) for other in occupied):
            return candidate
    raise SystemFailure("all predefined address pools have been fully subnetted")


def unique_local(seed: bytes, index: int) -> Subnet:
    """The `index`th /64 of the /48 that RFC 4193 derives from `seed` (5 bytes or more)."""
    value = b"\xfd" + seed[:5] + index.to_bytes(2, "big") + bytes(8)
    return ipaddress.IPv6Network((int.from_bytes(value, "big"), 64))


def parse_subnet(text: str) -> Subnet:
    """A subnet without host bits. Raises InvalidArgument with Docker's text."""
    address, slash, length = text.partition("/")
    try:
        if not slash or not (length.isascii() and length.isdigit()):
            raise ValueError(text)
        interface = ipaddress.ip_interface(f"{address}/{length}")
    except ValueError:
        raise InvalidArgument(f"invalid subnet {text}: invalid CIDR block notation") from None
    if interface.ip != interface.network.network_address:
        raise InvalidArgument(f"invalid subnet {text}: it should be {interface.network}")
    return interface.network


def parse_address(text: str, what: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise InvalidArgument(f"invalid {what} {text}: invalid address") from None
