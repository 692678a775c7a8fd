"""Keep web pages away from a TCP socket: a browser on this host reaches it, and acts as root.

A page of another site sends `Origin` or `Sec-Fetch-Site`; one that rebinds its name to our address
(DNS rebinding) sends its own name as `Host`. No CORS header is ever sent.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from orlop.errors import Forbidden


def check(headers: Iterable[tuple[bytes, bytes]], *, certified: bool) -> None:
    """Raises Forbidden. `certified`: the client showed its certificate, so `Host` may be any."""
    for name, value in headers:
        if name == b"origin":
            raise Forbidden("requests from web pages are not allowed (Origin header)")
        if name == b"sec-fetch-site" and value.strip().lower() not in (b"same-origin", b"none"):
            raise Forbidden("requests from web pages are not allowed (Sec-Fetch-Site header)")
        if name == b"host" and not certified and not _ours(value.decode("latin-1")):
            raise Forbidden("the Host header is neither an address nor this host's name")


def _ours(host: str) -> bool:
    name = host.rpartition("]")[0].removeprefix("[") if "]" in host else host.partition(":")[0]
    if name.lower() in ("", "localhost", socket.gethostname().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
