"""Ports in HostConfig: `80/tcp` keys and host ports, checked with Docker's texts."""

from __future__ import annotations

import re
from typing import Any

from orlop.errors import InvalidArgument

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def check(bindings: dict[str, Any]) -> None:
    """PortBindings. Raises InvalidArgument."""
    for key, hosts in bindings.items():
        number = key.partition("/")[0]
        if port_range(number) is None or "-" in number:
            raise InvalidArgument(f'invalid port specification: "{number}"')
        for binding in hosts or ():
            text = (binding or {}).get("HostPort") or ""
            if text and port_range(text) is None:
                raise InvalidArgument(f'invalid port specification: "{text}"')


def port_range(text: str) -> tuple[int, int] | None:
    """`80` or `8000-8010`; None when it is neither."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low = int(match[1])
    high = int(match[2] or low)
    return (low, high) if low <= high <= 65535 else None


def normal(key: str) -> str:
    """`80` as `80/tcp`."""
    number, _, protocol = key.partition("/")
    return f"{number}/{(protocol or 'tcp').lower()}"
