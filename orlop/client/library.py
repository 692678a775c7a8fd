"""`orlop.Client`: an engine behind a socket, for Python programs. `orlop.connect` makes one.

The engine in this process is the same class with another way to connect: `orlop.Engine`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, Unpack

from orlop.client import transport
from orlop.client.calls import Calls, Filters, filters_text
from orlop.client.containers import Command, Containers
from orlop.client.images import Auth, Images
from orlop.client.networks import Networks
from orlop.client.options import Options
from orlop.client.results import Completed, Event
from orlop.client.transport import query
from orlop.client.volumes import Volumes


class Client:
    """May be used from several threads. Close it, or use it as a context manager."""

    def __init__(self, http: transport.Client) -> None:
        self.calls = Calls(http)
        self.images = Images(self.calls)
        self.containers = Containers(self.calls, self.images)
        self.networks = Networks(self.calls)
        self.volumes = Volumes(self.calls)

    def run(
        self, image: str, command: Command = None, *, input: bytes = b"", check: bool = True,
        timeout: float | None = None, remove: bool = True, **given: Unpack[Options],
    ) -> Completed:  # fmt: skip
        """`containers.run`."""
        return self.containers.run(
            image, command, input=input, check=check, timeout=timeout, remove=remove, **given
        )

    def events(
        self, *, since: float | None = None, until: float | None = None,
        filters: Filters | None = None,
    ) -> Iterator[Event]:  # fmt: skip
        """What happens, until the iterator is closed or `until` (seconds since 1970) has come."""
        parameters = {"since": since, "until": until, "filters": filters_text(filters)}
        messages = self.calls.messages("GET", "/events" + query(parameters))
        return (Event.of(message) for message in messages)

    def version(self) -> dict[str, Any]:
        found: dict[str, Any] = self.calls.call("GET", "/version")
        return found

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = self.calls.call("GET", "/info")
        return found

    def disk_usage(self) -> dict[str, Any]:
        found: dict[str, Any] = self.calls.call("GET", "/system/df")
        return found

    def ping(self) -> bool:
        return self.calls.raw("GET", "/_ping") == b"OK"

    def login(self, auth: Auth) -> Mapping[str, Any]:
        """Ask the registry whether these credentials are good. Raises Unauthorized."""
        body = {
            "username": auth.username, "password": auth.password, "serveraddress": auth.server
        }  # fmt: skip
        found: Mapping[str, Any] = self.calls.call("POST", "/auth", body) or {}
        return found

    def close(self) -> None:
        self.calls.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    host: str | None = None,
    *,
    tls_ca: str = "",
    tls_cert: str = "",
    tls_key: str = "",
    autostart: bool = False,
) -> Client:
    """A client of the daemon at `host`: unix://, tcp:// or ssh://.

    None: the one that the command line would use: ORLOP_HOST, a context, DOCKER_HOST, else the
    default socket. `autostart`: start orlopd when nothing answers there (it forks). Raises
    InvalidArgument, NotFound for a context; the first call ConnectionFailed.
    """
    from orlop.client.host import Settings, client_for, default_config_dir

    settings = Settings()
    settings.config_dir = default_config_dir()
    settings.autostart = autostart
    if host is not None:
        settings.host = [host]
    named = {"tlscacert": tls_ca, "tlscert": tls_cert, "tlskey": tls_key}
    if any(named.values()):
        settings.tls = {key: value for key, value in named.items() if value}
        settings.tls["tls"] = True
        settings.tls["tlsverify"] = bool(tls_ca)
    return Client(client_for(settings, {}))
