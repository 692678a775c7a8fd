"""Legacy `--link`: which container, under which alias, and the variables it sets. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orlop.errors import InvalidArgument


def parse(link: str) -> tuple[str, str]:
    """(name, alias) of `name[:alias]`, or of `/name:/owner/alias`. Raises InvalidArgument."""
    parts = link.split(":")
    if not link or len(parts) > 2 or not parts[0]:
        raise InvalidArgument(f"bad format for links: {link}")
    name = parts[0].lstrip("/")
    alias = parts[-1].rpartition("/")[2] if len(parts) == 2 else name
    return name, alias


def environment(
    child: str, owner: str, alias: str, address: str, ports: Iterable[tuple[int, str]]
) -> list[str]:
    """The ALIAS_* variables in the `owner` of a link to `child` (names without slash)."""
    prefix = alias.replace("-", "_").upper()
    ordered = sorted(ports, key=lambda p: (p[0], p[1] != "tcp"))
    out = []
    if ordered:
        port, protocol = ordered[0]
        out.append(f"{prefix}_PORT={protocol}://{address}:{port}")
    for port, protocol in ordered:
        base = f"{prefix}_PORT_{port}_{protocol.upper()}"
        out += [
            f"{base}={protocol}://{address}:{port}",
            f"{base}_ADDR={address}",
            f"{base}_PORT={port}",
            f"{base}_PROTO={protocol}",
        ]
    for first, last, protocol in _runs(ordered):
        base = f"{prefix}_PORT_{first}_{protocol.upper()}"
        out += [
            f"{base}_START={protocol}://{address}:{first}",
            f"{base}_PORT_START={first}",
            f"{base}_END={protocol}://{address}:{last}",
            f"{base}_PORT_END={last}",
        ]
    out.append(f"{prefix}_NAME=/{owner}/{alias}")
    return out


def _runs(ordered: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """(first, last, protocol) of consecutive ports, two or more."""
    out: list[tuple[int, int, str]] = []
    for protocol in dict.fromkeys(p for _, p in ordered):
        numbers = [n for n, p in ordered if p == protocol]
        start = previous = numbers[0]
        for number in [*numbers[1:], -1]:
            if number == previous + 1:
                previous = number
                continue
            if previous > start:
                out.append((start, previous, protocol))
            start = previous = number
    return out
