"""Facts and switches of the host's network stack: routes in use, sysctls, forwarding."""

from __future__ import annotations

import fcntl
import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orlop.errors import SystemFailure
from orlop.kernel import netlink
from orlop.network.ipam import Subnet

_log = logging.getLogger(__name__)
_LOCK = Path("/run/orlop-network.lock")
_FORWARD4 = "net/ipv4/ip_forward"
_FORWARD6 = "net/ipv6/conf/all/forwarding"


@contextmanager
def host_lock() -> Iterator[None]:
    """Held while a subnet is chosen and its bridge made, so that two daemons do not choose one."""
    try:
        fd = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield  # no /run, or not root: alone by assumption
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def subnets_in_use(besides: str = "") -> list[Subnet]:
    """Where the host has routes to, except through link `besides`."""
    skip = 0
    if besides:
        try:
            skip = netlink.index_of(besides)
        except OSError:
            pass
    found: list[Subnet] = []
    for network, prefix, index in netlink.routes(netlink.AF_INET):
        if network and index != skip:
            found.append(ipaddress.IPv4Network((network, prefix), strict=False))
    for network, prefix, index in netlink.routes(netlink.AF_INET6):
        if network and index != skip and prefix < 128 and network[0] & 0xFE == 0xFC:
            found.append(ipaddress.IPv6Network((network, prefix), strict=False))
    return found


def read_sysctl(path: str) -> str | None:
    try:
        return Path("/proc/sys", path).read_text().strip()
    except OSError:
        return None


def write_sysctl(path: str, value: str) -> bool:
    """True when it has that value now; a read-only /proc/sys is a warning, not a failure."""
    if read_sysctl(path) == value:
        return True
    try:
        Path("/proc/sys", path).write_text(value)
    except OSError as error:
        _log.warning("cannot set %s to %s: %s", path.replace("/", "."), value, error.strerror)
        return False
    return True


def uplinks() -> list[str]:
    """The interfaces this host had before we made it forward: all but loopback and bridges."""
    return [
        link.name for link in netlink.links() if link.name != "lo" and link.kind not in ("bridge",)
    ]


def enable_forwarding(marker: Path) -> list[str]:
    """Turn IPv4 forwarding on if it is off; returns the links that must not become a router.

    `marker` (in the exec root) remembers, for the daemons after us, that it was us.
    """
    if read_sysctl(_FORWARD4) != "1":
        names = uplinks()
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text("\n".join(names))
        if not write_sysctl(_FORWARD4, "1"):
            raise SystemFailure(
                "IPv4 forwarding is disabled and cannot be enabled: set net.ipv4.ip_forward=1"
            )
        return names
    try:
        return marker.read_text().split()
    except OSError:
        return []


def enable_forwarding6() -> None:
    """Forward IPv6. A host that takes its address from router advertisements keeps doing so."""
    if read_sysctl(_FORWARD6) == "1":
        return
    for entry in os.scandir("/proc/sys/net/ipv6/conf"):
        if read_sysctl(f"net/ipv6/conf/{entry.name}/accept_ra") == "1" and entry.name != "lo":
            # 1 means "only while not forwarding" (ip-sysctl.rst).
            write_sysctl(f"net/ipv6/conf/{entry.name}/accept_ra", "2")
    write_sysctl(_FORWARD6, "1")
