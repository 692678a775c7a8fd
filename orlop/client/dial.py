"""Connections that are not a local socket: TCP, TLS and ssh. Loaded only when asked for."""

import socket
import subprocess
from typing import Any
from urllib.parse import urlsplit

from orlop.client.host import unreachable
from orlop.client.transport import Broken, Connection, ConnectionFailed
from orlop.errors import InvalidArgument

# The far side may have orlop or only docker; both speak `system dial-stdio`.
_REMOTE = (
    "command -v orlop >/dev/null 2>&1 && exec orlop system dial-stdio; "
    "exec docker system dial-stdio"
)


def dial_remote(host: str, context: Any) -> Connection:
    """Connect to tcp:// or ssh://. `context`: an ssl.SSLContext, None without TLS.

    Raises ConnectionFailed, InvalidArgument, ssl.SSLError.
    """
    if host.startswith("ssh://"):
        return _dial_ssh(host)
    parts = urlsplit(host)
    name = parts.hostname or "localhost"
    try:
        plain = socket.create_connection((name, port_of(host)), 30)
    except ConnectionRefusedError:
        raise unreachable(host) from None
    except socket.gaierror:
        raise Broken(f"dial tcp: lookup {name}: no such host") from None
    except OSError as e:
        why = "i/o timeout" if isinstance(e, TimeoutError) else "connect: " + _words(e)
        raise Broken(f"dial tcp {parts.netloc}: {why}") from None
    plain.settimeout(None)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Docker keeps idle attach connections alive through NAT with 30 s probes
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    return Connection(plain, plain) if context is None else _wrap(plain, name, context)


def port_of(host: str) -> int:
    """Raises Broken."""
    try:
        return urlsplit(host).port or 2375
    except ValueError:
        port = urlsplit(host).netloc.rpartition(":")[2]
        raise Broken(f"dial tcp: address {port}: invalid port") from None


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _wrap(plain: socket.socket, name: str, context: Any) -> Connection:
    try:
        secured = context.wrap_socket(plain, server_hostname=name)
    except OSError as error:  # ssl.SSLError is one
        plain.close()
        from ssl import SSLError

        from orlop.client.certificates import words

        raise Broken(words(error) if isinstance(error, SSLError) else _words(error)) from None
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
    if parts.path not in ("", "/"):
        raise InvalidArgument(f"invalid ssh URL: extra path after the host: {parts.path!r}")
    argv = ["ssh"]
    if parts.username:
        argv += ["-l", parts.username]
    if parts.port:
        argv += ["-p", str(parts.port)]
    argv += ["-o", "ConnectTimeout=30", "-T", "--", parts.hostname or "", _REMOTE]
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
