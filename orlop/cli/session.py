"""What one command line works with: global options, the CLI's config file, the daemon's client."""

import posix

from orlop.cli.failure import Failure
from orlop.client.host import Settings, client_for, default_config_dir
from orlop.errors import InvalidArgument, NotFound
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.client.transport import Client


class Session:
    __slots__ = ("_client", "_config", "debug", "path", "settings")

    def __init__(self) -> None:
        self.settings = Settings()
        self.debug = False
        self.path = ""  # the command as typed: "ps", "container ls"
        self._config: dict[str, Any] | None = None
        self._client: Client | None = None

    @property
    def config_dir(self) -> str:
        return self.settings.config_dir or default_config_dir()

    @property
    def config(self) -> "dict[str, Any]":
        """config.json of the Docker CLI; {} when there is none."""
        if self._config is None:
            self._config = self._read_config()
        return self._config

    def _read_config(self) -> "dict[str, Any]":
        path = self.config_dir + "/config.json"
        try:
            fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        except OSError:
            return {}
        try:
            data = b""
            while piece := posix.read(fd, 65536):
                data += piece
        finally:
            posix.close(fd)
        try:
            found = loads(data)
        except ValueError as e:
            from orlop.cli.out import err

            err(f"WARNING: Error parsing config file ({path}): {e}\n")
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def client(self) -> "Client":
        if self._client is None:
            self.settings.config_dir = self.config_dir
            try:
                self._client = client_for(self.settings, self.config)
            except (InvalidArgument, NotFound) as e:
                raise _unusable(e.message) from None
        return self._client


# of what the files of TLS hold, not of reading them, too
_AS_THEY_ARE = (
    "protocol", "ssh host", "unable to parse", "failed to retrieve", "no valid private key",
    "private key is encrypted",
)  # fmt: skip


def _unusable(message: str) -> Failure:
    if message.startswith("conflicting options"):
        return Failure(message)
    if not message.startswith(_AS_THEY_ARE):
        message = "unable to resolve orlop endpoint: " + message
    return Failure("Failed to initialize: " + message)
