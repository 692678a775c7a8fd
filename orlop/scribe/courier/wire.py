"""Connections to where records go: streams that notice a peer that left, and datagrams."""

from __future__ import annotations

import os
import socket
from typing import Any

CONNECT = 10.0  # seconds
SEND = 30.0  # seconds without progress before a stream is given up

Target = tuple[str, int] | str


def target(scheme: str, address: str) -> Target:
    """A path, or (host, port)."""
    if scheme.startswith("unix"):
        return address
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def connect_stream(
    scheme: str, address: str, tls: dict[str, Any] | None = None, timeout: float = SEND
) -> socket.socket:
    """unix, tcp, tls, tcp+tls. Raises OSError (ssl's errors are of that kind)."""
    where = target(scheme, address)
    if isinstance(where, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(CONNECT)
            sock.connect(where)
        except BaseException:
            sock.close()
            raise
    else:
        sock = socket.create_connection(where, CONNECT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if "tls" in scheme:
        sock = _secured(sock, str(where[0]), tls or {})
    sock.settimeout(timeout)
    return sock


def _secured(sock: socket.socket, host: str, tls: dict[str, Any]) -> socket.socket:
    import ssl  # 15 ms that others do not pay

    try:
        context = ssl.create_default_context(cafile=tls.get("ca") or None)
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT  # as Go: 3.13 asks more
        if tls.get("skip_verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.get("cert") and tls.get("key"):
            context.load_cert_chain(tls["cert"], tls["key"])
        return context.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def connect_datagrams(scheme: str, address: str) -> socket.socket:
    """udp, unixgram. Raises OSError."""
    where = target(scheme, address)
    if isinstance(where, str):
        family, place = socket.AF_UNIX, where
    else:
        found = socket.getaddrinfo(*where, type=socket.SOCK_DGRAM)[0]
        family, place = found[0], found[4]  # type: ignore[assignment]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.connect(place)
    except BaseException:
        sock.close()
        raise
    sock.settimeout(SEND)
    return sock


def left(sock: socket.socket) -> bool:
    """Whether the peer of a stream has closed it: what is sent now would vanish."""
    if hasattr(sock, "cipher"):  # TLS: a peek is not possible; the read shows an end or nothing
        flags = 0
    else:
        flags = socket.MSG_PEEK
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        return sock.recv(1, flags) == b""
    except (BlockingIOError, InterruptedError):
        return False
    except OSError as error:
        return type(error).__name__ not in ("SSLWantReadError", "SSLWantWriteError")
    finally:
        sock.settimeout(timeout)


def datagram(sock: socket.socket, data: bytes) -> None:
    """Send one; what nobody receives is lost, as datagrams are. Other failures raise OSError."""
    try:
        sock.send(data)
    except ConnectionRefusedError:  # the answer to an earlier one
        try:
            sock.send(data)
        except ConnectionRefusedError:
            pass
    except OSError as error:
        if error.errno != 90:  # EMSGSIZE: it will never fit
            raise
        os.write(2, b"courier: a record is too long for a datagram\n")
