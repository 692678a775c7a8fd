"""Connections that are not a local socket: TCP, TLS and ssh. Loaded only when asked for."""

import os
import socket
import subprocess
from typing import Any
from urllib.parse import urlsplit

from orlop.client.host import getenv, unreachable
from orlop.client.transport import Connection, ConnectionFailed
from orlop.errors import InvalidArgument

# The far side may have orlop or only docker; both speak `system dial-stdio`.
_REMOTE = (
    "command -v orlop >/dev/null 2>&1 && exec orlop system dial-stdio; "
    "exec docker system dial-stdio"
)


def dial_remote(
    host: str, config_dir: str, tls: dict[str, Any], secure: bool, verify: bool
) -> Connection:
    """Connect to tcp:// or ssh://. Raises ConnectionFailed, InvalidArgument."""
    if host.startswith("ssh://"):
        return _dial_ssh(host)
    if not host.startswith("tcp://"):
        raise InvalidArgument(f"protocol not available: {host}")
    parts = urlsplit(host)
    try:
        plain = socket.create_connection((parts.hostname or "localhost", parts.port or 2375), 30)
    except OSError as e:
        if isinstance(e, ConnectionRefusedError):
            raise unreachable(host) from None
        raise ConnectionFailed(
            f"error during connect: dial tcp {parts.netloc}: {e.strerror or e}"
        ) from None
    plain.settimeout(None)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Docker keeps idle attach connections alive through NAT with 30 s probes
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    if not secure:
        return Connection(plain, plain)
    return _wrap(plain, parts.hostname or "localhost", config_dir, tls, verify)


def _wrap(
    plain: socket.socket, name: str, config_dir: str, tls: dict[str, Any], verify: bool
) -> Connection:
    import ssl

    base = getenv("DOCKER_CERT_PATH") or config_dir
    paths = {
        key: str(tls.get(key) or os.path.join(base, default))
        for key, default in (
            ("tlscacert", "ca.pem"),
            ("tlscert", "cert.pem"),
            ("tlskey", "key.pem"),
        )
    }
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if verify:
            if os.path.exists(paths["tlscacert"]) or tls.get("tlscacert"):
                context.load_verify_locations(paths["tlscacert"])
            else:
                context.load_default_certs()
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if os.path.exists(paths["tlscert"]) or tls.get("tlscert"):
            context.load_cert_chain(paths["tlscert"], paths["tlskey"])
        secured = context.wrap_socket(plain, server_hostname=name)
    except (OSError, ssl.SSLError) as e:
        plain.close()
        raise ConnectionFailed(f"error during connect: tls: {e}") from None
    return Connection(_Tls(secured), secured)


class _Tls:
    """An SSL socket with the calls of a raw one: flags dropped, half-close as close_notify."""

    def __init__(self, secured: Any) -> None:
        self._ssl = secured
        self.fileno = secured.fileno
        self.recv = secured.recv
        self.setblocking = secured.setblocking
        self.pending = secured.pending

    def sendall(self, data: bytes, flags: int = 0) -> None:
        self._ssl.sendall(data)

    def send(self, data: bytes, flags: int = 0) -> int:
        return int(self._ssl.send(data))

    def shutdown(self, how: int) -> None:
        if how == socket.SHUT_WR:
            # no half-close in TLS as Python offers it: the peer sees the end with close()
            return
        self._ssl.shutdown(how)

    def close(self) -> None:
        self._ssl.close()


def _dial_ssh(host: str) -> Connection:
    parts = urlsplit(host)
    if not parts.hostname:
        raise InvalidArgument(f"invalid ssh URL: no host specified: {host}")
    if parts.path not in ("", "/"):
        raise InvalidArgument(f"invalid ssh URL: extra path after the host: {parts.path!r}")
    argv = ["ssh"]
    if parts.username:
        argv += ["-l", parts.username]
    if parts.port:
        argv += ["-p", str(parts.port)]
    argv += ["-o", "ConnectTimeout=30", "-T", "--", parts.hostname, _REMOTE]
    ours, theirs = socket.socketpair()
    try:
        child = subprocess.Popen(
            argv, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True
        )
    except OSError as e:
        raise ConnectionFailed(f"error during connect: ssh: {e.strerror}") from None
    finally:
        theirs.close()
    return Connection(ours, (ours, child))
