"""/etc/hosts of a container (hosts(5)), in Docker's order: local names, extra hosts, links, itself.

Pure: what the host's files hold is passed in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from orlop.errors import InvalidArgument

HOST_GATEWAY = "host-gateway"
_LOCAL4 = "127.0.0.1\tlocalhost\n"
_LOCAL6 = (
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)


def render(lines: Iterable[str], *, ipv6: bool = True) -> bytes:
    """The file: the local names, then `lines` ("ADDRESS\\tNAME NAME")."""
    return (_LOCAL4 + (_LOCAL6 if ipv6 else "") + "".join(f"{x}\n" for x in lines)).encode()


def extra(entries: Iterable[str], gateways: Iterable[str]) -> list[str]:
    """Lines for `--add-host NAME:IP`; host-gateway becomes `gateways`. Raises InvalidArgument."""
    out = []
    for entry in entries:
        name, colon, address = entry.partition(":")
        if not colon or not name:
            raise InvalidArgument(f'bad format for add-host: "{entry}"')
        if address == HOST_GATEWAY:
            out += [f"{gateway}\t{name}" for gateway in gateways]
            continue
        address = address.removeprefix("[").removesuffix("]")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise InvalidArgument(f'invalid IP address in add-host: "{address}"') from None
        out.append(f"{address}\t{name}")
    return out


def own_names(hostname: str, domainname: str) -> str:
    """What a container calls itself: `foo.bar.com foo`."""
    full = f"{hostname}.{domainname}" if domainname else hostname
    short = full.partition(".")[0]
    return full if short == full else f"{full} {short}"


def link(address: str, alias: str, hostname: str, name: str) -> str:
    names = dict.fromkeys(n for n in (alias, hostname, name) if n)
    return f"{address}\t{' '.join(names)}"
