"""The noun: sessions and builds of clients that speak BuildKit's protocol."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from orlop.builder.builder import Builder
from orlop.buildkit.control import control
from orlop.buildkit.gateway import gateway
from orlop.buildkit.grpc import Channel, server
from orlop.buildkit.http2 import Connection
from orlop.buildkit.jobs import Jobs
from orlop.buildkit.session import Session, Sessions
from orlop.buildkit.uploads import Uploads
from orlop.errors import Conflict

_PATIENCE = 10.0  # seconds that builds have to end when the daemon does


@dataclass(eq=False, slots=True)
class Buildkit:
    builder: Builder
    sessions: Sessions = field(default_factory=Sessions)
    jobs: Jobs = field(default_factory=Jobs)
    uploads: Uploads = field(default_factory=Uploads)
    _connections: set[Connection] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lend(
        self, fd: int, leftover: bytes, *, id: str, shared_key: str, methods: Iterable[str]
    ) -> None:
        """A client's session, until it ends it. Owns `fd`. Raises Conflict."""
        connection = Connection(socket.socket(fileno=fd), client=True)
        known = frozenset(method.lower() for method in methods)
        session = Session(id, shared_key, known, Channel(connection))
        try:
            self.sessions.add(session)
        except Conflict:
            connection.close()
            connection.run(b"")  # ends at once
            raise
        try:
            self._run(connection, leftover)
        finally:
            self.sessions.remove(session)

    def serve(self, fd: int, leftover: bytes) -> None:
        """A client's calls, until it goes. Owns `fd`."""
        methods = {**control(self), **gateway(self)}
        connection = Connection(socket.socket(fileno=fd), client=False, serve=server(methods))
        self._run(connection, leftover)

    def _run(self, connection: Connection, leftover: bytes) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            connection.run(leftover)
        finally:
            with self._lock:
                self._connections.discard(connection)

    def close(self) -> None:
        for job in self.jobs.all():
            job.cancel()
        with self._lock:
            open_ones = list(self._connections)
        for connection in open_ones:
            connection.close()
        self.jobs.wait(_PATIENCE)  # their steps are taken apart while containers and cache are here
