"""docker-py over connections that are made in this process."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import docker
import urllib3
from docker.transport.basehttpadapter import BaseHTTPAdapter

_URL = "http+docker://orlop"
_VERSION = "1.50"

Dial = Callable[[], socket.socket]


def docker_client(dial: Dial, **options: Any) -> Any:
    """A DockerClient whose requests go over `dial()`; `options` are APIClient's."""
    options.setdefault("version", _VERSION)
    client = docker.DockerClient(base_url="tcp://orlop:2375", **options)
    client.api.base_url = _URL
    adapter = _Adapter(dial, client.api.timeout)
    client.api.mount("http+docker://", adapter)
    client.api._custom_adapter = adapter  # closed with it
    return client


class _Adapter(BaseHTTPAdapter):  # type: ignore[misc]
    def __init__(self, dial: Dial, timeout: float) -> None:
        self._pool = _Pool(dial, timeout)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _Pool:
        return self._pool

    def get_connection(self, *_: Any, **__: Any) -> _Pool:
        """For requests before 2.32."""
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def close(self) -> None:
        self._pool.close()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, dial: Dial, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=10)
        self._dial = dial

    def _new_conn(self) -> _Connection:
        return _Connection(self._dial, self.timeout.connect_timeout)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, dial: Dial, timeout: Any) -> None:
        super().__init__("localhost", timeout=timeout)
        self._dial = dial

    def connect(self) -> None:
        sock = self._dial()
        sock.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
        self.sock = sock
