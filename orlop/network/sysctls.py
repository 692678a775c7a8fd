"""Kernel settings of an endpoint's link: option com.docker.network.endpoint.sysctls. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orlop.network import model
from orlop.network.model import Endpoint

# The docker CLI sends it in small letters.
_FORM = re.compile(
    r"net\.(ipv4|ipv6|mpls)\.([a-z0-9_]+)\.(?:IFNAME|ifname)\.([a-z0-9_]+)=(.*)", re.ASCII
)


def _given(settings: Mapping[str, Any]) -> list[str]:
    text = (settings.get("DriverOpts") or {}).get(model.SYSCTLS) or ""
    return [part for part in text.split(",") if part]


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with them, in Docker's words."""
    return [
        f"unrecognised network interface sysctl '{part}'; represent 'net.X.Y.ethN.Z=V' as "
        "'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
        for part in _given(settings)
        if not _FORM.fullmatch(part)
    ]


def ops(endpoint: Endpoint) -> list[tuple[Any, ...]]:
    """Written inside, below a directory of the link's own."""
    out: list[tuple[Any, ...]] = []
    for part in _given(endpoint.settings):
        found = _FORM.fullmatch(part)
        if found:
            family, area, name, value = found.groups()
            out.append(("sysctl", f"net/{family}/{area}/{endpoint.interface}/{name}", value))
    return out
