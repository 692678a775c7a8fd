"""`orlop.Engine`: open a data root here and speak to it as to a daemon."""

from __future__ import annotations

import atexit
import socket
import threading
import weakref
from pathlib import Path
from typing import Any

from orlop import config as configuration
from orlop.client import transport
from orlop.client.library import Client
from orlop.config import Config
from orlop.daemon import settings
from orlop.daemon.flags import Flags
from orlop.embed.ephemeral import Made
from orlop.errors import Conflict

_GRACE = 10.0  # seconds for requests that run when the engine is closed


class Engine(Client):
    """The engine in this process. A data root has one owner at a time.

    Raises Conflict while a daemon or another engine has the data root, SystemFailure when it cannot
    be opened (most of what containers need is root's).

    >>> with orlop.Engine() as engine:
    ...     engine.run("busybox", ["echo", "hi"]).output
    'hi\\n'
    """

    def __init__(
        self,
        *,
        data_root: str | Path | None = None,
        exec_root: str | Path | None = None,
        ephemeral: bool = False,
        config_file: str | Path | None = None,
        **options: Any,
    ) -> None:
        """`ephemeral`: what was made through this engine but for images is removed at the end.

        `options`: daemon.json's, with underscores: `storage_driver="vfs"`, `bridge="none"`. Those,
        the file (the daemon's when None) and the daemon's defaults count in this order.
        """
        self._guard = threading.Lock()
        self._closed = False
        self.config = _config(data_root, exec_root, config_file, options)
        self._open()
        super().__init__(transport.Client("in-process", self._dial))
        self._made = Made(self) if ephemeral else None
        _at_exit(weakref.ref(self))

    def _open(self) -> None:
        import logging

        from orlop.api.application import Orlop
        from orlop.api.server import Server, in_background
        from orlop.engine import Engine as Core

        logging.getLogger("orlop").addHandler(logging.NullHandler())
        try:
            self._core = Core.open(self.config)
        except Conflict as error:
            raise Conflict(
                f"{error.message}; to work with the daemon that has it, use orlop.connect()"
            ) from None
        self._server = Server(Orlop(self._core))
        self._runner = in_background(self._server)

    def connection(self) -> socket.socket:
        """A connection to the API, for clients that bring their own HTTP.

        Raises ConnectionFailed after `close`.
        """
        with self._guard:
            if self._closed:
                raise transport.ConnectionFailed("the engine is closed")
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            self._server.adopt(theirs)
        return ours

    def _dial(self) -> transport.Connection:
        return transport.Connection(self.connection())

    def docker(self, **options: Any) -> Any:
        """docker-py's `DockerClient` on this engine; docker-py must be installed."""
        from orlop.embed.dockerpy import docker_client

        return docker_client(self.connection, **options)

    def close(self) -> None:
        """Let the data root go. Containers run on, unless the engine is ephemeral."""
        if self._made is not None:
            made, self._made = self._made, None
            try:
                made.remove()
            finally:
                self.close()
            return
        with self._guard:
            if self._closed:
                return
            self._closed = True
        super().close()
        self._server.stop(_GRACE)
        self._runner.join()
        self._core.close()


def _at_exit(engine: weakref.ref[Engine]) -> None:
    """Close it with the program: before threads are told to end, which closing still needs."""

    def close() -> None:
        found = engine()
        if found is not None:
            found.close()

    getattr(threading, "_register_atexit", atexit.register)(close)


def _config(
    data_root: str | Path | None,
    exec_root: str | Path | None,
    config_file: str | Path | None,
    options: dict[str, Any],
) -> Config:
    """Raises InvalidArgument, TypeError for an option that does not exist."""
    named = {} if config_file is None else {"config-file": str(config_file)}
    config = settings.load(Flags(named))
    for key, value in (("data_root", data_root), ("exec_root", exec_root)):
        if value is not None:
            options[key] = str(Path(value).absolute())
    unknown = options.keys() - Config.__dataclass_fields__.keys()
    if unknown:
        raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
    document = {key.replace("_", "-"): _plain(value) for key, value in options.items()}
    return configuration.from_json(document, config)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
