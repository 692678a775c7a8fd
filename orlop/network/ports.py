"""Host ports: who has which, and the sockets that keep them taken.

For every published port a socket is bound, and for TCP never listens: another program's bind fails
with EADDRINUSE, and where the firewall's rule is missing a connection is refused, not misdirected.
TCP binds with SO_REUSEADDR (else a connection in TIME_WAIT blocks us) and clears it at once (left
on, another process could bind the same port); UDP binds without it.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from orlop.errors import SystemFailure
from orlop.network.door import Door
from orlop.network.portspec import ANY4, ANY6, Wanted

_EPHEMERAL = (32768, 60999)
_RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range"
_IF_INET6 = "/proc/net/if_inet6"
_IPPROTO_SCTP = 132
_WILDCARDS = (ANY4, ANY6)
_LINGER, _PAUSE = 1.0, 0.005  # seconds
_REMEMBERED = 1024
_SMALLEST_BUFFER = 0  # the kernel makes it 2 KB: what arrives without a rule is dropped


@dataclass(frozen=True, slots=True)
class Published:
    """One host port that leads to a container's port."""

    host_ip: str
    host_port: int
    protocol: str
    port: int

    @property
    def key(self) -> str:
        return f"{self.port}/{self.protocol}"


class _Busy(Exception):
    """This port will not do; `text` is Docker's, for when it was the only one asked for."""

    def __init__(self, text: str) -> None:
        self.text = text


@dataclass(eq=False, slots=True)
class Ports:
    """The host ports of all containers of this daemon."""

    _taken: dict[tuple[str, int, bool], set[str]] = field(default_factory=dict)
    _released: dict[tuple[str, int, bool], float] = field(default_factory=dict)  # when
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(
        self, wanted: Iterable[Wanted], target: str
    ) -> list[tuple[Published, socket.socket | None]]:
        """Take and bind all of `wanted`, or nothing. `target`: the container's address, for errors.

        Raises SystemFailure with Docker's texts.
        """
        out: list[tuple[Published, socket.socket | None]] = []
        with ExitStack() as undo:
            for want in wanted:
                for published, sock in self._claim_one(want, target):
                    out.append((published, sock))
                    undo.callback(self.release, [published], held=False)
                    if sock is not None:
                        undo.callback(sock.close)
            undo.pop_all()
        return out

    def _claim_one(self, want: Wanted, target: str) -> list[tuple[Published, socket.socket | None]]:
        ips = [ip for ip in want.host_ips if ":" not in ip or have_ipv6()]
        if want.low and want.low == want.high:
            try:
                return self._try(want, ips, want.low, target)
            except _Busy as busy:
                raise SystemFailure(busy.text) from None
        for port in self._candidates(want):
            try:
                return self._try(want, ips, port, target)
            except _Busy:
                continue
        raise SystemFailure("all ports are allocated")

    def _candidates(self, want: Wanted) -> Iterable[int]:
        if want.low:
            yield from range(want.low, want.high + 1)
            return
        low, high = ephemeral_range()
        span = high - low + 1
        for _ in range(span):
            with self._lock:
                if not low <= self._next <= high:
                    self._next = low
                port, self._next = self._next, self._next + 1
            yield port

    def _try(
        self, want: Wanted, ips: list[str], port: int, target: str
    ) -> list[tuple[Published, socket.socket | None]]:
        out: list[tuple[Published, socket.socket | None]] = []
        with ExitStack() as undo:
            for ip in ips:
                published = Published(ip, port, want.protocol, want.port)
                self._take(published)
                undo.callback(self.release, [published], held=False)
                try:
                    sock = self._bind(published)
                except OSError as error:
                    if error.errno in _NO_PROTOCOL:  # no other port would do, either
                        raise SystemFailure(_bind_text(published, target, error)) from None
                    raise _Busy(_bind_text(published, target, error)) from None
                if sock is not None:
                    undo.callback(sock.close)
                out.append((published, sock))
            undo.pop_all()
        return out

    def _take(self, wanted: Published) -> None:
        with self._lock:
            holders = self._taken.setdefault(_key(wanted), set())
            for holder in holders:
                if wanted.host_ip in (holder, *_WILDCARDS) or holder in _WILDCARDS:
                    raise _Busy(
                        f"Bind for {holder}:{wanted.host_port} failed: port is already allocated"
                    )
            holders.add(wanted.host_ip)

    def _bind(self, published: Published) -> socket.socket | None:
        """Bind; a port that was ours a moment ago may still be held by keeper or proxy."""
        while True:
            try:
                return bind(published.protocol, published.host_ip, published.host_port)
            except OSError as error:
                since = time.monotonic() - self._released.get(_key(published), -_LINGER)
                if error.errno != errno.EADDRINUSE or since >= _LINGER:
                    raise
            time.sleep(_PAUSE)

    def restore(self, published: Iterable[Published]) -> None:
        """Note ports whose sockets the keeper already holds."""
        with self._lock:
            for entry in published:
                self._taken.setdefault(_key(entry), set()).add(entry.host_ip)

    def release(self, published: Iterable[Published], *, held: bool = True) -> None:
        """Give back. `held`: the keeper or the proxy has the sockets, for a moment more."""
        with self._lock:
            for entry in published:
                holders = self._taken.get(_key(entry))
                if holders is not None:
                    holders.discard(entry.host_ip)
                    if not holders:
                        del self._taken[_key(entry)]
                    if held:
                        self._released[_key(entry)] = time.monotonic()
            while len(self._released) > _REMEMBERED:
                del self._released[next(iter(self._released))]


def _key(published: Published) -> tuple[str, int, bool]:
    return (published.protocol, published.host_port, ":" in published.host_ip)


# SCTP is a module that many kernels do not have
_NO_PROTOCOL = (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT)
door: Door | None = None  # to the host's network, when that is not ours


def bind(protocol: str, ip: str, port: int) -> socket.socket | None:
    """A bound socket; None where the host's network holds it. Raises OSError."""
    if door is not None:
        return door.bind(protocol, ip, port)
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    number = _IPPROTO_SCTP if protocol == "sctp" else 0
    sock = socket.socket(family, kind, number)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == "tcp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ip, port))
        if protocol == "tcp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        elif protocol == "udp" and family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST_BUFFER)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_text(published: Published, target: str, error: OSError) -> str:
    host = f"[{published.host_ip}]" if ":" in published.host_ip else published.host_ip
    reason = (error.strerror or str(error)).lower()
    return (
        f"failed to bind host port for {host}:{published.host_port}:{target}:{published.port}"
        f"/{published.protocol}: {reason}"
    )


def have_ipv6() -> bool:
    """The host's IPv6 is on."""
    return os.path.exists(_IF_INET6)


def ephemeral_range() -> tuple[int, int]:
    try:
        with open(_RANGE_FILE) as file:
            low, high = file.read().split()
        return int(low), int(high)
    except (OSError, ValueError):
        return _EPHEMERAL


def settings(
    published: Iterable[Published], exposed: Iterable[tuple[int, str]]
) -> dict[str, list[dict[str, str]] | None]:
    """NetworkSettings.Ports."""
    found: dict[str, list[dict[str, str]] | None] = {
        f"{port}/{protocol}": None for port, protocol in exposed
    }
    for entry in published:
        listed = found.get(entry.key) or []
        listed.append({"HostIp": entry.host_ip, "HostPort": str(entry.host_port)})
        found[entry.key] = listed
    return dict(sorted(found.items()))


def from_settings(ports: dict[str, list[dict[str, str]] | None] | None) -> list[Published]:
    """The inverse of `settings`: what a record says is published."""
    out = []
    for key, entries in (ports or {}).items():
        number, _, protocol = key.partition("/")
        for entry in entries or ():
            out.append(Published(entry["HostIp"], int(entry["HostPort"]), protocol, int(number)))
    return out
