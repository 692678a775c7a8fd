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
        except FileNotFoundError:
            return {}
        except OSError as e:
            _warn(f"Error loading config file: open {path}: {(e.strerror or '').lower()}")
            return {}
        data = b""
        try:
            while piece := posix.read(fd, 65536):
                data += piece
        except OSError as e:
            _warn(f"Error parsing config file ({path}): read {path}: {(e.strerror or '').lower()}")
            return {}
        finally:
            posix.close(fd)
        try:
            found: Any = loads(data)
        except (ValueError, SystemError):  # the latter by a quirk of the C scanner
            found = None
        if not isinstance(found, dict) or not all(map(_as_expected, found.items())):
            from orlop.cli.configfile import repaired

            found, wrong = repaired(data)
            if wrong:
                _warn(f"Error parsing config file ({path}): {wrong}")
        kept: dict[str, Any] = found
        return kept

    @property
    def client(self) -> "Client":
        if self._client is None:
            self.settings.config_dir = self.config_dir
            try:
                self._client = client_for(self.settings, self.config)
            except (InvalidArgument, NotFound) as e:
                raise _unusable(e.message) from None
        return self._client


_AS_TEXT = frozenset(
    ("psFormat", "imagesFormat", "networksFormat", "volumesFormat", "statsFormat", "detachKeys")
)


def _as_expected(entry: "tuple[str, Any]") -> bool:
    key, value = entry
    if key == "HttpHeaders" and isinstance(value, dict):
        return all(isinstance(one, str) for one in value.values())
    return key not in _AS_TEXT or value is None or isinstance(value, str)


def _warn(message: str) -> None:
    from orlop.cli.out import err

    err(f"WARNING: {message}\n")


# of what the files of TLS hold, not of reading them, too
_AS_THEY_ARE = (
    "protocol", "ssh host", "unable to parse", "failed to retrieve", "no valid private key",
    "private key is encrypted", "failed to set custom headers",
)  # fmt: skip


def _unusable(message: str) -> Failure:
    if message.startswith("conflicting options"):
        return Failure(message)
    if not message.startswith(_AS_THEY_ARE):
        message = "unable to resolve orlop endpoint: " + message
    return Failure("Failed to initialize: " + message)
