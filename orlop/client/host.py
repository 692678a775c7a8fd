"""Where the daemon is: -H, ORLOP_HOST, --context or ORLOP_CONTEXT, DOCKER_HOST, DOCKER_CONTEXT,
what `orlop context use` chose, else the default socket.

Docker's `currentContext` is ignored unless a context is asked for: a context set for Docker must
not send orlop elsewhere. Sources: Docker CLI opts/hosts (spelling of addresses), RFC 3986.
"""

import posix

from orlop.client.transport import Client, Connection, ConnectionFailed, open_unix
from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

ENV = posix.environ
DEFAULT_TCP = "tcp://localhost:2375"
DEFAULT_TLS = "tcp://localhost:2376"


def getenv(name: str, default: str = "") -> str:
    value = ENV.get(name.encode())
    return default if value is None else value.decode("utf-8", "surrogateescape")


def home() -> str:
    found = getenv("HOME")
    if found:
        return found
    import pwd

    try:
        return pwd.getpwuid(posix.getuid()).pw_dir
    except KeyError:
        return "/"


def default_config_dir() -> str:
    """Where config.json and the contexts are: the Docker CLI's."""
    return getenv("ORLOP_CONFIG") or getenv("DOCKER_CONFIG") or home() + "/.docker"


def default_socket() -> str:
    """/run/orlop/orlop.sock, for others than root one in their runtime directory."""
    if posix.getuid() == 0:
        return "/run/orlop/orlop.sock"
    base = getenv("XDG_RUNTIME_DIR") or f"/run/user/{posix.getuid()}"
    return base + "/orlop/orlop.sock"


def parse_host(value: str, tls: bool = False) -> str:
    """Canonical address of `value`. Raises InvalidArgument."""
    host = value.strip()
    if not host:
        return DEFAULT_TLS if tls else "unix://" + default_socket()
    proto, sep, address = host.partition("://")
    if not sep:
        proto, address = "tcp", host
    if proto == "tcp":
        return parse_tcp(address, DEFAULT_TLS if tls else DEFAULT_TCP)
    if proto == "unix":
        return parse_simple(proto, address, default_socket())
    if proto == "npipe":
        return parse_simple(proto, address, "//./pipe/docker_engine")
    if proto in ("fd", "ssh"):
        return host
    raise InvalidArgument(f"invalid bind address format: {host}")


def parse_simple(proto: str, address: str, default: str) -> str:
    address = address.removeprefix(proto + "://")
    if "://" in address:
        raise InvalidArgument(f"invalid proto, expected {proto}: {address}")
    return f"{proto}://{address or default}"


def parse_tcp(text: str, default: str) -> str:
    """tcp://host:port[/path] with what is missing taken from `default`."""
    if text in ("", "tcp://"):
        return default
    address = text.removeprefix("tcp://")
    if "://" in address or not address:
        raise InvalidArgument(f"invalid proto, expected tcp: {text}")
    standard_host, standard_port = default.removeprefix("tcp://").rsplit(":", 1)
    address, slash, path = address.partition("/")
    if any(c.isspace() or c in '\\^`{}|<>"' for c in address):
        raise InvalidArgument(f"invalid bind address format: {text}")
    if address.startswith("["):
        host, close, port = address.partition("]")
        if not close or (port and not port.startswith(":")):
            raise InvalidArgument(f"invalid bind address format: {text}")
        host, port = host + "]", port[1:]
    else:
        if address.count(":") > 1:
            raise InvalidArgument(f"invalid bind address format: {text}")
        host, _, port = address.partition(":")
    port = port or standard_port
    if not port.isdigit():
        raise InvalidArgument(f'parse "tcp://{address}": invalid port ":{port}" after host')
    return f"tcp://{host or standard_host}:{port}{slash}{path}"


class Settings:
    """What the global options say about the connection."""

    __slots__ = ("autostart", "config_dir", "context", "host", "tls")

    def __init__(self) -> None:
        self.host: list[str] = []
        self.context = ""
        self.config_dir = ""
        self.autostart = True  # when nothing answers on the default socket
        self.tls: dict[str, Any] = {}  # tls, tlsverify, tlscacert, tlscert, tlskey


def client_for(settings: Settings, config: "Mapping[str, Any]") -> Client:
    """The client of the daemon that is asked for. Raises InvalidArgument, ConnectionFailed."""
    if len(settings.host) > 1:
        raise InvalidArgument("Specify only one -H")
    if settings.host and settings.context:
        raise InvalidArgument("conflicting options: cannot specify both --host and --context")
    given, tls = _resolve(settings)
    verify = tls.get("tlsverify") or bool(getenv("DOCKER_TLS_VERIFY"))
    # as Docker: who names --tlsverify or $DOCKER_TLS at all wants TLS
    secure = bool(verify or tls.get("tls") or "tlsverify" in settings.tls or getenv("DOCKER_TLS"))
    context: Any = None
    if secure:
        from orlop.client.certificates import context as made

        base = getenv("DOCKER_CERT_PATH") or settings.config_dir
        context = made(base, tls, bool(verify))
    autostart = settings.autostart and not given and not secure
    host = parse_host(given, secure)
    if host.startswith("npipe:"):
        raise InvalidArgument("protocol not available")
    if host.startswith("fd:"):
        raise InvalidArgument(f"unable to parse docker host `{host}`")
    if host.startswith("ssh://"):
        _check_ssh(host[6:])
    client = Client(host, _dialer(host, context, autostart), secure=secure)
    headers = config.get("HttpHeaders")
    if b"DOCKER_CUSTOM_HEADERS" in ENV:
        from orlop.client.headers import VARIABLE, custom

        headers = custom(getenv(VARIABLE)) or headers
    if isinstance(headers, dict):
        client.headers.update({str(k): str(v) for k, v in headers.items()})
    client.headers["User-Agent"] = "Orlop-Client/0.1.0 (linux)"
    version = getenv("DOCKER_API_VERSION")
    if version:
        client.version, client.pinned = version.removeprefix("v"), True
    return client


def _check_ssh(address: str) -> None:
    prefix = "ssh host connection is not valid: invalid SSH URL: "
    user, _, name = address.partition("/")[0].rpartition("@")
    if ":" in user:
        raise InvalidArgument(prefix + "plain-text password is not supported")
    if not name:
        raise InvalidArgument(prefix + "hostname is empty")


def _resolve(settings: Settings) -> "tuple[str, dict[str, Any]]":
    """Host ("" for the default) and TLS settings. Raises NotFound."""
    given = settings.host[0] if settings.host else getenv("ORLOP_HOST")
    tls = dict(settings.tls)
    name = settings.context or getenv("ORLOP_CONTEXT")
    if not given and name and name != "default":
        from orlop.client.context import endpoint

        given, extra = endpoint(settings.config_dir, name)
        tls = {**extra, **tls}
    elif not given and not name:
        given = getenv("DOCKER_HOST")
        if not given:
            given, tls = _chosen(settings, tls)
    return given, tls


def tls_of(settings: Settings) -> "dict[str, Any]":
    """tls, tlsverify, tlscacert, tlscert, tlskey of the daemon that is asked for."""
    tls = _resolve(settings)[1]
    if getenv("DOCKER_TLS_VERIFY"):
        tls = {"tlsverify": True, **tls}
    return tls


def _chosen(settings: Settings, tls: "dict[str, Any]") -> "tuple[str, dict[str, Any]]":
    """Host ("" for the default) and TLS settings of the context in use. Raises NotFound."""
    name = getenv("DOCKER_CONTEXT") or _current(settings.config_dir)
    if not name or name == "default":
        return "", tls
    from orlop.client.context import endpoint

    given, extra = endpoint(settings.config_dir, name)
    return given, {**extra, **tls}


def _current(config_dir: str) -> str:
    try:
        posix.stat(config_dir + "/contexts/orlop-current")
    except OSError:
        return ""  # as a rule, and without another import
    from orlop.client.context import current

    return current(config_dir)


def _dialer(host: str, context: "Any", own: bool) -> "Callable[[], Connection]":
    if host.startswith("unix://"):
        path = host[7:]
        return lambda: _dial_unix(host, path, own)

    def dial() -> Connection:
        from orlop.client.dial import dial_remote

        return dial_remote(host, context)

    return dial


def _dial_unix(host: str, path: str, own: bool) -> Connection:
    try:
        return open_unix(path)
    except PermissionError:
        raise ConnectionFailed(
            f"permission denied while trying to connect to the Orlop daemon socket at {host}: "
            f"dial unix {path}: connect: permission denied"
        ) from None
    except (FileNotFoundError, ConnectionRefusedError):
        if own and getenv("ORLOP_AUTOSTART", "1") != "0":
            from orlop.client.autostart import start

            return start(path)
        raise unreachable(host) from None
    except OSError as e:
        raise ConnectionFailed(f"error during connect: dial unix {path}: {e.strerror}") from None


def unreachable(host: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"Cannot connect to the Orlop daemon at {host}. Is the orlop daemon running?"
    )
