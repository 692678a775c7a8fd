"""A client's session: the connection over which it lends its files, secrets and agents."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import NOT_FOUND, Channel, Outgoing, RpcFailure
from orlop.errors import Conflict, NotFound
from orlop.protobuf import Table

Json = dict[str, Any]

_SERVICES = "moby.buildkit.secrets.v1.Secrets/GetSecret", "moby.filesync.v1.Auth/Credentials"
_SECRET, _CREDENTIALS = (f"/{name}" for name in _SERVICES)
_PATIENCE = 5.0  # seconds that a build waits for the session it names


@dataclass(eq=False, slots=True)
class Session:
    id: str
    shared_key: str  # the client's name for where its files come from
    methods: frozenset[str]  # paths, lower case
    channel: Channel | None
    _ended: threading.Event = field(default_factory=threading.Event)
    _callbacks: list[Callable[[], object]] = field(default_factory=list)

    def supports(self, path: str) -> bool:
        return path.lower() in self.methods

    def open(self, path: str, metadata: dict[str, list[str]]) -> Outgoing:
        """Raises RpcFailure."""
        if not self.supports(path):
            raise RpcFailure(NOT_FOUND, f"method {path} not supported by the client")
        assert self.channel is not None
        return self.channel.open(path, metadata)

    def call(self, path: str, table: Table, value: Mapping[str, Any], answer: Table) -> Json:
        """One message each way. Raises RpcFailure."""
        if not self.supports(path):
            raise RpcFailure(NOT_FOUND, f"method {path} not supported by the client")
        assert self.channel is not None
        return self.channel.call(path, table, value, answer)

    def secret(self, id: str) -> bytes | None:
        """None for one that the client has not. Raises RpcFailure."""
        if not self.supports(_SECRET):
            return None
        try:
            found = self.call(_SECRET, m.SECRET_REQUEST, {"id": id}, m.SECRET)
        except RpcFailure as failure:
            if failure.code == NOT_FOUND or "not found" in failure.message:
                return None
            raise
        return bytes(found.get("data", b""))

    def credentials(self, host: str) -> tuple[str, str] | None:
        """(user, password or identity token) for a registry; the user is "" with a token."""
        if not self.supports(_CREDENTIALS):
            return None
        found = self.call(_CREDENTIALS, m.CREDENTIALS_REQUEST, {"host": host}, m.CREDENTIALS)
        secret = found.get("secret", "")
        return (found.get("user", ""), secret) if secret else None

    def gone(self, callback: Callable[[], object]) -> None:
        """Call it once the client has left; now if it has."""
        self._callbacks.append(callback)
        if self._ended.is_set():
            self.end()

    def end(self) -> None:
        self._ended.set()
        while self._callbacks:
            self._callbacks.pop()()


def nobody() -> Session:
    """The session of a build without one: it lends nothing."""
    return Session("", "", frozenset(), None)


def header_values(values: Iterable[str]) -> tuple[list[str], bool]:
    """Texts as a header can carry them, and whether they had to be encoded."""
    found = list(values)
    if all(text.isascii() and text.isprintable() for text in found):
        return found, False
    return [quote_plus(text.encode("utf-8", "surrogateescape")) for text in found], True


@dataclass(eq=False, slots=True)
class Sessions:
    """Those that are open, by the client's id."""

    _open: dict[str, Session] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, session: Session) -> None:
        """Raises Conflict."""
        with self._changed:
            if session.id in self._open:
                raise Conflict(f"session {session.id} already exists")
            self._open[session.id] = session
            self._changed.notify_all()

    def remove(self, session: Session) -> None:
        with self._changed:
            if self._open.get(session.id) is session:
                del self._open[session.id]
        session.end()

    def get(self, id: str) -> Session:
        """Waits a little: the client opens it while it asks to build. Raises NotFound."""
        id = id.rpartition(":")[2] or id
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while id not in self._open:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise NotFound(f"no active session for {id}: context deadline exceeded")
            return self._open[id]

    def all(self) -> list[Session]:
        with self._changed:
            return list(self._open.values())
