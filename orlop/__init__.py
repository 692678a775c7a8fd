"""Orlop: a container engine in Python that speaks Docker's words, files and API.

For programs: `connect()` is a client of a daemon, `Engine()` the engine in this process; both have
`run`, `containers`, `images`, `networks`, `volumes` and `events`. All is loaded at first use.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # `typing` would be the most costly import of a command line
if TYPE_CHECKING:
    from orlop.client.container import Container
    from orlop.client.images import Auth, Image
    from orlop.client.library import Client, connect
    from orlop.client.networks import Network
    from orlop.client.options import Health, Mount, Options
    from orlop.client.results import Completed, Event, ProcessFailed, Pruned, TimedOut
    from orlop.client.stdio import Stdio
    from orlop.client.transport import ConnectionFailed
    from orlop.client.volumes import Volume
    from orlop.embed.engine import Engine
    from orlop.errors import (
        Conflict,
        Forbidden,
        InvalidArgument,
        NotFound,
        NotModified,
        NotSupported,
        OrlopError,
        SystemFailure,
        Unauthorized,
        Unavailable,
    )

_FOUND_IN = {
    "Auth": "client.images", "Client": "client.library", "Completed": "client.results",
    "Conflict": "errors", "ConnectionFailed": "client.transport",
    "Container": "client.container", "Engine": "embed.engine", "Event": "client.results",
    "Forbidden": "errors", "Health": "client.options", "Image": "client.images",
    "InvalidArgument": "errors", "Mount": "client.options", "Network": "client.networks",
    "NotFound": "errors", "NotModified": "errors", "NotSupported": "errors",
    "Options": "client.options", "OrlopError": "errors", "ProcessFailed": "client.results",
    "Pruned": "client.results", "Stdio": "client.stdio", "SystemFailure": "errors",
    "TimedOut": "client.results", "Unauthorized": "errors", "Unavailable": "errors",
    "Volume": "client.volumes", "connect": "client.library",
}  # fmt: skip

__all__ = [
    "Auth", "Client", "Completed", "Conflict", "ConnectionFailed", "Container", "Engine", "Event",
    "Forbidden", "Health", "Image", "InvalidArgument", "Mount", "Network", "NotFound",
    "NotModified", "NotSupported", "Options", "OrlopError", "ProcessFailed", "Pruned", "Stdio",
    "SystemFailure", "TimedOut", "Unauthorized", "Unavailable", "Volume", "connect",
]  # fmt: skip


def __getattr__(name: str) -> object:
    module = _FOUND_IN.get(name)
    if module is None:
        raise AttributeError(f"module 'orlop' has no attribute '{name}'")
    from importlib import import_module

    found: object = getattr(import_module(f"orlop.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]
