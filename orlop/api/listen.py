"""The sockets of `-H`: unix://, tcp://, fd://. Who may connect is decided before listen(2)."""

from __future__ import annotations

import contextlib
import grp
import ipaddress
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from orlop.api.server import Listener
from orlop.errors import InvalidArgument, SystemFailure
from orlop.kernel.fsgroup import file_group

log = logging.getLogger(__name__)

_BACKLOG = 1024
_FIRST_PASSED = 3  # sd_listen_fds(3)
DEFAULT_PORT, TLS_PORT = 2375, 2376

Wrap = Callable[[socket.socket], socket.socket]


def open_listeners(
    host: str,
    *,
    default_socket: Path,
    group: str,
    wrap: Wrap | None = None,
    client_certificates: bool = False,
    allow_plain: bool = False,
) -> list[Listener]:
    """Listeners for one `-H` value. `wrap` terminates TLS on TCP.

    Raises InvalidArgument (the address), SystemFailure (bind, with Docker's text).
    """
    kind, _, rest = host.partition("://")
    if not rest and "://" not in host:
        kind, rest = ("unix", host) if host.startswith("/") else ("tcp", host)
    if kind == "unix":
        return [_unix(Path(rest or default_socket), group)]
    if kind == "tcp":
        name, port = _split(host, rest.rstrip("/"), TLS_PORT if wrap else DEFAULT_PORT)
        made = _tcp(host, name, port, wrap, client_certificates, allow_plain)
        for listener in made if wrap is None else ():
            shown = listener.address
            log.warning("API is accessible on http://%s without encryption.", shown)
        return made
    if kind == "fd":
        return list(_passed(rest))
    raise InvalidArgument(f"invalid bind address ({host}): unsupported proto '{kind}'")


def _unix(path: Path, group: str) -> Listener:
    """root:`group` 0660 from the moment it appears, by umask and the thread's file group."""
    if not path.is_absolute():
        path = Path.cwd() / path
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    _take_place(path)
    gid = _group_id(group)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    old = os.umask(0o117 if group else 0o177)
    try:
        with file_group(gid) if gid >= 0 else contextlib.nullcontext():
            sock.bind(os.fspath(path))
        status = os.lstat(path)
        if gid >= 0 and status.st_gid != gid:  # a directory with the set-group-ID bit decides
            os.chown(path, -1, gid, follow_symlinks=False)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        raise SystemFailure(f"listen unix {path}: bind: {reason}") from error
    finally:
        os.umask(old)

    def remove() -> None:
        with contextlib.suppress(OSError):
            now = os.lstat(path)  # another daemon may have taken the place
            if (now.st_ino, now.st_mtime_ns) == (status.st_ino, status.st_mtime_ns):
                os.unlink(path)

    return Listener(sock, os.fspath(path), local=True, remove=remove)


def _take_place(path: Path) -> None:
    """Refuse a path that another daemon answers on, or that is no socket at all."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SystemFailure(f"can't create unix socket {path}: file exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # left over from a daemon that was killed
            return
        except OSError:
            pass  # full or slow, but somebody has it
    raise SystemFailure(f"listen unix {path}: bind: address already in use")


def _group_id(group: str) -> int:
    """-1 (leave it root's) without the group; a number is taken as it is."""
    if not group:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        if group.isascii() and group.isdigit():
            return int(group)
        level = logging.DEBUG if group == "docker" else logging.WARNING
        log.log(level, "could not change group of the API socket to %s: group not found", group)
        return -1


def _tcp(
    host: str, name: str, port: int, wrap: Wrap | None, certificates: bool, allow_plain: bool
) -> list[Listener]:
    try:
        found = socket.getaddrinfo(
            name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise SystemFailure(f"listen tcp: lookup {name}: {error.strerror}") from error
    out = []
    for family, kind, protocol, _, where in dict.fromkeys(found):
        if wrap is None and not allow_plain and not ipaddress.ip_address(where[0]).is_loopback:
            raise InvalidArgument(
                f"refusing to serve the API on {host} without TLS: everyone who reaches it is root "
                "on this host. Use --tlsverify, a loopback address, or --unsafe-tcp"
            )
        sock = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(where)
            sock.listen(_BACKLOG)
        except OSError as error:
            sock.close()
            raise SystemFailure(
                f"listen tcp {name}:{port}: bind: {(error.strerror or '').lower()}"
            ) from error
        shown, bound = sock.getsockname()[:2]
        out.append(
            Listener(
                sock,
                f"[{shown}]:{bound}" if family == socket.AF_INET6 else f"{shown}:{bound}",
                local=False,
                wrap=wrap,
                secure=certificates,
            )
        )
    return out


def open_tcp(address: str, default_port: int, wrap: Wrap | None) -> list[Listener]:
    """Listeners for `host[:port]`, port 0 for any free one. InvalidArgument, SystemFailure."""
    name, port = _split(address, address, default_port)
    return _tcp(address, name, port, wrap, False, True)


def _split(host: str, address: str, default_port: int) -> tuple[str, int]:
    name, separator, port = address.rpartition(":")
    if not separator or address.endswith("]"):
        name, port = address, ""
    name = name.removeprefix("[").removesuffix("]")
    if not port:
        return name or "127.0.0.1", default_port
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise InvalidArgument(f"invalid bind address format: {host}")
    return name or "127.0.0.1", int(port)


def _passed(which: str) -> Iterator[Listener]:
    """Sockets that systemd opened (sd_listen_fds): all, or the one of a number."""
    count = 0
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        with contextlib.suppress(ValueError):
            count = int(os.environ.get("LISTEN_FDS", "0"))
    if not 0 < count < 1024:
        raise SystemFailure(
            "no sockets found via socket activation: make sure the service was started by systemd"
        )
    chosen: list[int] = list(range(_FIRST_PASSED, _FIRST_PASSED + count))
    if which not in ("", "*"):
        if not which.isdigit() or int(which) not in chosen:
            raise SystemFailure(
                f"failed to find socket fd:{which} among the ones passed by systemd"
            )
        chosen = [int(which)]
    for fd in chosen:
        os.set_inheritable(fd, False)
        sock = socket.socket(fileno=fd)
        local = sock.family == socket.AF_UNIX
        if not local and not ipaddress.ip_address(sock.getsockname()[0]).is_loopback:
            raise InvalidArgument(
                "refusing a TCP socket from systemd: it would be open without TLS"
            )
        yield Listener(sock, str(sock.getsockname() if local else f"fd:{fd}"), local=local)
