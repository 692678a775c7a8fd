"""Broken connections in the words of Go's net/http: what Docker prints and users search for."""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
from urllib.parse import urlsplit

from urllib3 import exceptions

from orlop.registry.failure import RegistryFailure

_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH")
_OLD_TLS = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "VERSION_TOO_LOW")


def connection_failure(method: str, url: str, error: Exception) -> RegistryFailure:
    """The failure for an exchange that brought no answer."""
    text, temporary = _describe(url, error)
    shown = method.capitalize()
    return RegistryFailure(
        f"{shown} {json.dumps(url)}: {text}", temporary=temporary, unreachable=True
    )


def read_failure(error: Exception) -> RegistryFailure:
    """The failure for an answer that broke off or stalled."""
    if isinstance(error, exceptions.ReadTimeoutError | TimeoutError):
        return RegistryFailure("net/http: timeout awaiting response body", temporary=True)
    number = _errno(error)
    if number == errno.ECONNRESET:
        return RegistryFailure("read: connection reset by peer", temporary=True)
    return RegistryFailure("unexpected EOF", temporary=True)


def _describe(url: str, error: Exception) -> tuple[str, bool]:
    if isinstance(error, exceptions.ProxyError):
        text, temporary = _describe(url, error.original_error)
        return f"proxyconnect tcp: {text}", temporary
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    tls = _tls_cause(error)
    if tls is not None:
        return _tls_text(tls, host), False
    if isinstance(error, exceptions.NameResolutionError):
        return f"dial tcp: lookup {host}{_name_server()}: {_lookup_text(error)}", True
    number = _errno(error)
    if isinstance(error, exceptions.NewConnectionError) and number:
        return f"dial tcp {_address(host, port)}: connect: {os.strerror(number).lower()}", True
    if isinstance(error, exceptions.ConnectTimeoutError):
        return f"dial tcp {_address(host, port)}: i/o timeout", True
    if isinstance(error, exceptions.ReadTimeoutError | TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", True
    if number == errno.ECONNRESET:
        return f"read tcp {_address(host, port)}: read: connection reset by peer", True
    if number == errno.EPIPE:
        return f"write tcp {_address(host, port)}: write: broken pipe", True
    if isinstance(error, exceptions.ProtocolError):
        return "EOF", True
    return str(error)[:300], False


def _tls_cause(error: BaseException | None) -> ssl.SSLError | None:
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, ssl.SSLError):
            return error
        inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else None
        error = inner or error.__cause__ or error.__context__
        seen += 1
    return None


def _tls_text(error: ssl.SSLError, host: str) -> str:
    reason = (error.reason or "") + " " + str(error)
    if any(word in reason for word in _PLAIN_HTTP):
        return "http: server gave HTTP response to HTTPS client"
    if any(word in reason for word in _OLD_TLS):
        return "remote error: tls: protocol version not supported"
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = error.verify_message or "certificate signed by unknown authority"
        if "expired" in detail or "not yet valid" in detail:
            detail = "certificate has expired or is not yet valid"
        elif "mismatch" in detail or "doesn't match" in detail:
            detail = f"certificate is not valid for {host}"
        elif "self" in detail or "issuer" in detail:
            detail = "certificate signed by unknown authority"
        return f"tls: failed to verify certificate: x509: {detail}"
    return f"remote error: tls: {(error.reason or 'handshake failure').lower().replace('_', ' ')}"


def _errno(error: BaseException | None) -> int:
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else None
        error = inner or error.__cause__ or error.__context__
        seen += 1
    return 0


def _lookup_text(error: Exception) -> str:
    return "server misbehaving" if "Temporary failure" in str(error) else "no such host"


def _name_server() -> str:
    try:
        with open("/etc/resolv.conf", encoding="ascii", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver":
                    return f" on {words[1]}:53"
    except OSError:
        pass
    return ""


def _address(host: str, port: int) -> str:
    try:
        first = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, IndexError, UnicodeError):
        first = host
    return f"[{first}]:{port}" if ":" in str(first) else f"{first}:{port}"
