"""The HTTP server: listeners, their connections, one loop, threads for requests."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import h11

from orlop.api import loop as loops
from orlop.api.answer import Answer
from orlop.api.connection import HEAD_TIME, Connection
from orlop.api.exchange import Exchange
from orlop.api.threads import Threads
from orlop.kernel.malloc import trim

log = logging.getLogger(__name__)

_ACCEPTS = 64  # per turn, so that a flood of connections does not starve the others
_SHORTAGE = 0.1  # seconds without accepting after the descriptors ran out
_SWEEP = 5.0  # seconds between looks for heads that never end


class Application(Protocol):
    """What answers requests."""

    def quick(self, connection: Connection, request: h11.Request) -> Answer | None:
        """On the loop's thread: an answer that needs no waiting, else None."""

    def serve(self, exchange: Exchange, request: h11.Request) -> None:
        """On a thread of its own: end the exchange by an answer or a hijack. Never raises."""


@dataclass(frozen=True, slots=True)
class Listener:
    sock: socket.socket
    address: str  # as in the log: /run/orlop/orlop.sock or 127.0.0.1:2375
    local: bool  # unix socket
    wrap: Callable[[socket.socket], socket.socket] | None = None  # TLS: our end of the tunnel
    secure: bool = False  # every client shows a certificate
    remove: Callable[[], None] | None = None  # the socket's file, at the end


class Server:
    def __init__(self, application: Application) -> None:
        self.application = application
        self.loop = loops.Loop()
        self.threads = Threads(rest=trim)  # a busy hour must not stay in memory
        self.connections: set[Connection] = set()
        self.closing = False
        self._listeners: list[Listener] = []
        self._unfinished: set[Connection] = set()

    def listen(self, listener: Listener) -> None:
        """Accept from it once the loop runs."""
        listener.sock.setblocking(False)
        self._listeners.append(listener)
        self._accept_from(listener)

    def adopt(self, sock: socket.socket) -> None:
        """From any thread: serve a connection that came from this process itself."""
        self.loop.call(self._adopt, sock)

    def _adopt(self, sock: socket.socket) -> None:
        if self.closing:
            sock.close()
        else:
            self._admit(Listener(sock, "in-process", local=True), sock)

    def run(self) -> None:
        """Serve until `stop` has done its work."""
        self.loop.run()
        self.loop.close()

    def stop(self, grace: float) -> None:
        """From any thread: refuse new requests, let running ones end, cut the rest later."""
        self.loop.call(self._stop, grace)

    def unfinished(self, connection: Connection) -> None:
        """Its head has begun; it must end within a time."""
        if not self._unfinished:
            self.loop.later(_SWEEP, self._sweep)
        self._unfinished.add(connection)

    def _sweep(self) -> None:
        limit = time.monotonic() - HEAD_TIME
        for connection in list(self._unfinished):
            if not connection.begun:
                self._unfinished.discard(connection)
            elif connection.begun < limit:
                self._unfinished.discard(connection)
                connection.close()
        if self._unfinished and not self.closing:
            self.loop.later(_SWEEP, self._sweep)

    def _accept_from(self, listener: Listener) -> None:
        if not self.closing:
            self.loop.watch(
                listener.sock.fileno(), loops.READ, lambda events: self._accept(listener)
            )

    def _accept(self, listener: Listener) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, _address = listener.sock.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                log.warning("no more connections for now: %s", error.strerror)
                self.loop.unwatch(listener.sock.fileno())
                self.loop.later(_SHORTAGE, lambda: self._accept_from(listener))
                return
            try:
                self._admit(listener, sock)
            except OSError as error:
                log.warning("connection refused: %s", error)
                sock.close()

    def _admit(self, listener: Listener, sock: socket.socket) -> None:
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if listener.wrap is not None:
            sock = listener.wrap(sock)
        sock.setblocking(False)
        connection = Connection(self, sock, local=listener.local, secure=listener.secure)
        connection.watch()
        self.connections.add(connection)

    def _stop(self, grace: float) -> None:
        self.closing = True
        for listener in self._listeners:
            self.loop.unwatch(listener.sock.fileno())
            listener.sock.close()
            if listener.remove is not None:
                listener.remove()
        for connection in list(self.connections):
            if connection.exchange is None:
                connection.close()
            else:
                connection.exchange.gone.set()
        self._until_idle(time.monotonic() + grace)

    def _until_idle(self, deadline: float) -> None:
        if not self.connections:
            self.loop.stop()
        elif time.monotonic() < deadline:
            self.loop.later(0.02, lambda: self._until_idle(deadline))
        else:
            for connection in list(self.connections):
                connection.cut()
            self.loop.later(0.2, self.loop.stop)


def in_background(server: Server) -> threading.Thread:
    """Run it beside the caller, for tests and embedding."""
    thread = threading.Thread(target=server.run, name="orlop-api-loop", daemon=True)
    thread.start()
    return thread
