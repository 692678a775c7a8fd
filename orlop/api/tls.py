"""TLS for the API: terminated here, a plain socket pair behind.

Every TLS connection gets a thread that moves its bytes between the client and one end of a socket
pair; the server treats the other end as any local connection. So streams and the hijack, which
hands a descriptor to another process, need to know nothing of TLS.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable

from orlop.errors import InvalidArgument

log = logging.getLogger(__name__)

_HANDSHAKE = 10.0  # seconds
_PIECE = 64 << 10
_CONNECTIONS = 512  # a thread each


def context(certificate: str, key: str, authority: str, *, verify: bool) -> ssl.SSLContext:
    """Server context; `verify` asks every client for a certificate of `authority`.

    Raises InvalidArgument with dockerd's words.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    pair = f'could not load X509 key pair (cert: "{certificate}", key: "{key}"): '
    try:
        for path in (certificate, key):
            _check_readable(path)
        made.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise InvalidArgument(pair + _why(error)) from None
    if verify:
        try:
            _check_readable(authority)
            made.load_verify_locations(authority)
        except (OSError, ValueError) as error:
            why = _why(error)
            raise InvalidArgument(f'could not read CA certificate "{authority}": {why}') from None
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def _check_readable(path: str) -> None:
    """OpenSSL does not say which file is not there."""
    with open(path, "rb"):
        pass


def _no_password() -> str:
    """OpenSSL would ask at the daemon's terminal."""
    raise ValueError("encrypted")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if "MISMATCH" in (error.reason or ""):
            return "tls: private key does not match public key"
        if "CERTIFICATE_OR_CRL" in (error.reason or "") or "NO_START" in (error.reason or ""):
            return "no certificate in it"
        return "tls: failed to find a certificate and its private key in them"
    if isinstance(error, OSError) and error.filename:
        return f"open {error.filename}: {(error.strerror or '').lower()}"
    return "tls: failed to parse private key"


def wrapper(made: ssl.SSLContext) -> Callable[[socket.socket], socket.socket]:
    """Takes an accepted connection; gives the plain end of its tunnel at once."""
    slots = threading.BoundedSemaphore(_CONNECTIONS)

    def wrap(outside: socket.socket) -> socket.socket:
        ours, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        if not slots.acquire(blocking=False):
            outside.close()
            inside.close()
            return ours

        def run() -> None:
            try:
                _serve(made, outside, inside)
            finally:
                slots.release()

        try:
            threading.Thread(target=run, name="orlop-tls", daemon=True).start()
        except RuntimeError:  # the host gives no more threads
            slots.release()
            outside.close()
            inside.close()
        return ours

    return wrap


def _serve(made: ssl.SSLContext, outside: socket.socket, inside: socket.socket) -> None:
    with inside, outside:
        outside.settimeout(_HANDSHAKE)
        try:
            with made.wrap_socket(outside, server_side=True) as secured:
                secured.settimeout(None)
                secured.setblocking(False)
                inside.setblocking(False)
                _Tunnel(secured, inside).run()
        except (OSError, ValueError) as error:
            log.debug("TLS connection: %s", error)


class _Tunnel:
    """Two directions, one buffer each; a direction reads only when its buffer is empty."""

    def __init__(self, secured: ssl.SSLSocket, plain: socket.socket) -> None:
        self._secured = secured
        self._plain = plain
        self._inward = b""  # client → server
        self._outward = b""
        self._client_open = True
        self._server_open = True
        self._secured_wants = 0  # poll events that would let us go on
        self._plain_wants = 0

    def run(self) -> None:
        while self._server_open or self._outward:
            self._secured_wants = self._plain_wants = 0
            moved = self._inbound()
            if not self._outbound() and not moved:
                self._wait()
        self._secured.settimeout(1)
        self._secured.unwrap()

    def _inbound(self) -> bool:
        """Client to server, as far as it goes now. True when bytes moved."""
        moved = False
        if self._client_open and not self._inward:
            moved = self._guard(self._receive)
        if self._inward:
            try:
                self._inward = self._inward[self._plain.send(self._inward) :]
                return True
            except BlockingIOError:
                self._plain_wants |= select.POLLOUT
        return moved

    def _receive(self) -> None:
        self._inward = self._secured.recv(_PIECE)
        if not self._inward:
            self._client_open = False
            self._plain.shutdown(socket.SHUT_WR)

    def _outbound(self) -> bool:
        moved = False
        if self._server_open and not self._outward:
            try:
                self._outward = self._plain.recv(_PIECE)
                self._server_open = bool(self._outward)
                moved = True
            except BlockingIOError:
                self._plain_wants |= select.POLLIN
        if self._outward:
            return self._guard(self._send)
        return moved

    def _send(self) -> None:
        self._outward = self._outward[self._secured.send(self._outward) :]

    def _guard(self, move: Callable[[], None]) -> bool:
        """Either direction of TLS may need the other one of TCP (renegotiation, key updates)."""
        try:
            move()
        except ssl.SSLWantReadError:
            self._secured_wants |= select.POLLIN
            return False
        except ssl.SSLWantWriteError:
            self._secured_wants |= select.POLLOUT
            return False
        return True

    def _wait(self) -> None:
        poll = select.poll()
        for side, events in (
            (self._secured, self._secured_wants),
            (self._plain, self._plain_wants),
        ):
            if events:  # without any, a side that hung up would wake us for ever
                poll.register(side, events)
        poll.poll()
