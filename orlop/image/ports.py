"""Exposed ports: `80`, `80-82/udp` → `80/tcp`, `80/udp` …

Source: docker/go-connections `nat` (texts).
"""

from __future__ import annotations

from orlop.errors import InvalidArgument

_MAX = 65535


def parse_exposed(text: str) -> list[str]:
    """Raises InvalidArgument."""
    spec, slash, proto = text.partition("/")
    proto = proto.lower() if slash else "tcp"
    port = spec.rpartition(":")[2]
    if not port:
        raise InvalidArgument(f"No port specified: {text}<empty>")
    first, dash, last = port.partition("-")
    start, end = _number(first), _number(last if dash else first)
    if start is None or end is None or end < start:
        raise InvalidArgument(f"Invalid containerPort: {port}")
    if proto not in ("tcp", "udp", "sctp"):
        raise InvalidArgument(f"Invalid proto: {proto}")
    return [f"{number}/{proto}" for number in range(start, end + 1)]


def _number(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > _MAX:
        return None
    return int(text)
