"""Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY, NO_PROXY with Go's rules.

Source: Go `golang.org/x/net/http/httpproxy`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping

from orlop.config import Config


def environment(config: Config) -> dict[str, str]:
    """The daemon's environment, where its configuration does not say something else."""
    env = dict(os.environ)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        if said := getattr(config, name.lower()):
            env[name] = said
    return env


def proxy_for(
    scheme: str, host: str, port: int | None, environ: Mapping[str, str] | None = None
) -> str:
    """The proxy's URL or "". Loopback addresses are never proxied."""
    env = os.environ if environ is None else environ
    name = "HTTPS_PROXY" if scheme == "https" else "HTTP_PROXY"
    proxy = env.get(name) or env.get(name.lower()) or ""
    if not proxy or _excluded(host, port, env.get("NO_PROXY") or env.get("no_proxy") or ""):
        return ""
    return proxy if "://" in proxy else "http://" + proxy


def _excluded(host: str, port: int | None, no_proxy: str) -> bool:
    host = host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in no_proxy.lower().split(","):
        entry = entry.strip()
        if not entry:
            continue
        if entry == "*":
            return True
        bare, colon, wanted = entry.rpartition(":")
        if colon and wanted.isdigit() and "/" not in entry and not entry.endswith("]"):
            if str(port) != wanted:
                continue
            entry = bare
        if _covers(entry.strip("[]"), host, address):
            return True
    return False


def _covers(entry: str, host: str, address: object) -> bool:
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except (ValueError, TypeError):
            return False
    entry = entry.removeprefix("*")
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith("." + entry)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
