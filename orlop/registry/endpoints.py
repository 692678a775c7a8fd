"""Which URLs serve a domain: mirrors, then https, then plain http where that is allowed.

Source: dockerd's registry configuration (`registry-mirrors`, `insecure-registries`).
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from orlop.config import Config
from orlop.errors import InvalidArgument
from orlop.oci.reference import DEFAULT_DOMAIN

_OFFICIAL = "registry-1.docker.io"
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    scheme: str
    host: str  # host[:port] as in a URL
    prefix: str = ""  # path before /v2/, for mirrors
    verify: bool = True  # TLS certificates are checked
    mirror: bool = False

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.host}{self.prefix}"

    @property
    def insecure(self) -> bool:
        return self.scheme == "http" or not self.verify


def endpoints(
    config: Config, domain: str, *, push: bool = False, insecure: bool = False
) -> list[Endpoint]:
    """Endpoints of a registry in the order to try."""
    out: list[Endpoint] = []
    if domain == DEFAULT_DOMAIN:
        if not push:
            out += [_mirror(config, url) for url in config.registry_mirrors]
        return [*out, Endpoint("https", _OFFICIAL)]
    insecure = insecure or is_insecure(config, domain)
    out.append(Endpoint("https", domain, verify=not insecure))
    if insecure:
        out.append(Endpoint("http", domain, verify=False))
    return out


def _mirror(config: Config, url: str) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise InvalidArgument(f'invalid mirror: "{url}" is not a valid registry mirror')
    if "@" in parts.netloc:
        raise InvalidArgument("invalid mirror: username/password not allowed in URI")
    verify = not is_insecure(config, parts.netloc)
    return Endpoint(parts.scheme, parts.netloc, parts.path.rstrip("/"), verify, mirror=True)


def split_host(host: str) -> tuple[str, int | None]:
    """`host[:port]`, `[v6]:port` → (host without brackets, port). Raises InvalidArgument."""
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname or "", parts.port
    except ValueError:
        raise InvalidArgument(f"invalid registry host: {host[:100]!r}") from None


def is_insecure(config: Config, host: str) -> bool:
    """True when plain http and unchecked certificates are allowed for `host`."""
    name, _ = split_host(host)
    addresses = _addresses(name)
    if addresses and all(any(a in net for net in _LOOPBACK) for a in addresses):
        return True
    for entry in config.insecure_registries:
        bare = entry.removeprefix("http://").removeprefix("https://").rstrip("/")
        if "/" not in bare:
            if bare.lower() == host.lower():
                return True
            continue
        try:
            network = ipaddress.ip_network(bare, strict=False)
        except ValueError:
            raise InvalidArgument(f"insecure registry {entry} is not valid") from None
        if any(a.version == network.version and a in network for a in addresses or _resolve(name)):
            return True
    return False


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _addresses(name: str) -> list[_Address]:
    """Addresses known without asking a name server."""
    if name.lower() == "localhost":
        return [ipaddress.ip_address("127.0.0.1")]
    try:
        return [ipaddress.ip_address(name)]
    except ValueError:
        return []


def _resolve(name: str) -> list[_Address]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [ipaddress.ip_address(entry[4][0]) for entry in found]
