"""gRPC over HTTP/2 streams: messages with a length before them, a status at the end.

Source: grpc.io, "gRPC over HTTP2".
"""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from orlop.buildkit.http2 import Broken, Connection, Headers, Stream
from orlop.errors import NotFound, NotSupported, OrlopError
from orlop.protobuf import Malformed, Table, decode, encode

log = logging.getLogger(__name__)

Json = dict[str, Any]
Metadata = Mapping[str, Iterable[str]]
OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, NOT_FOUND = 0, 1, 2, 3, 5
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 12, 13, 14
LIMIT = 16 << 20  # bytes of one message


class RpcFailure(OrlopError):
    """A call's status that is not OK. `details`: an encoded google.rpc.Status, or b""."""

    def __init__(self, code: int, message: str, details: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class Messages:
    """A stream's bytes → messages."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def next(self) -> bytes | None:
        """None at the end. Raises Broken, RpcFailure."""
        buffer = self._buffer
        while True:
            found = self.ready()
            if found is not None:
                return found
            data = self._stream.receive()
            if not data:
                if buffer:
                    raise RpcFailure(INTERNAL, "unexpected EOF")
                return None
            buffer += data

    def ready(self) -> bytes | None:
        """One that is here whole already."""
        buffer = self._buffer
        if len(buffer) < 5:
            return None
        size = int.from_bytes(buffer[1:5], "big")
        if size > LIMIT:
            raise RpcFailure(
                RESOURCE_EXHAUSTED, f"received message larger than max ({size} vs. {LIMIT})"
            )
        if buffer[0]:
            raise RpcFailure(UNIMPLEMENTED, "compressed messages are not supported")
        if len(buffer) < 5 + size:
            return None
        found = bytes(buffer[5 : 5 + size])
        del buffer[: 5 + size]
        return found


def framed(data: bytes) -> bytes:
    return b"\0" + len(data).to_bytes(4, "big") + data


# --- being called ---------------------------------------------------------------------------------


class Incoming:
    """A call of the peer's."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._messages = Messages(stream)
        self._begun = False
        self.path = ""
        self.metadata: dict[str, list[str]] = {}
        for name, value in stream.headers:
            if name == ":path":
                self.path = value
            self.metadata.setdefault(name, []).append(value)

    def first(self, name: str) -> str:
        return next(iter(self.metadata.get(name, ())), "")

    def receive(self, table: Table) -> Json | None:
        data = self._messages.next()
        return None if data is None else _decoded(table, data)

    def request(self, table: Table) -> Json:
        """The only message of a call that sends one."""
        found = self.receive(table)
        if found is None:
            raise RpcFailure(INTERNAL, "the call has no message")
        return found

    def send(self, table: Table, value: Mapping[str, Any]) -> None:
        self.send_encoded(encode(table, value))

    def send_encoded(self, data: bytes) -> None:
        self._begin()
        self._stream.send(framed(data))

    def gone(self, callback: Callable[[], object]) -> None:
        self._stream.gone(callback)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._stream.send_headers([(":status", "200"), ("content-type", "application/grpc")])

    def end(self, failure: RpcFailure | None) -> None:
        self._begin()
        trailers: Headers = [("grpc-status", str(failure.code if failure else OK))]
        if failure is not None:
            trailers.append(
                ("grpc-message", quote(failure.message, safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}"))
            )
            if failure.details:
                text = base64.b64encode(failure.details).decode().rstrip("=")
                trailers.append(("grpc-status-details-bin", text))
        self._stream.send_headers(trailers, end=True)

    def close(self) -> None:
        self._stream.close()


Handler = Callable[[Incoming], None]


def server(methods: Mapping[str, Handler]) -> Callable[[Stream], None]:
    """What a connection calls for each stream. `methods`: by path."""

    def serve(stream: Stream) -> None:
        call = Incoming(stream)
        try:
            call.end(_outcome(methods.get(call.path), call))
        except Broken:
            pass
        except Exception:
            log.exception("in %s", call.path)
        finally:
            call.close()

    return serve


def _outcome(handler: Handler | None, call: Incoming) -> RpcFailure | None:
    if handler is None:
        service, _, method = call.path.strip("/").rpartition("/")
        text = f"unknown method {method} for service {service}"
        return RpcFailure(UNIMPLEMENTED, text)
    try:
        handler(call)
    except Broken:
        raise
    except RpcFailure as failure:
        return failure
    except OrlopError as error:
        return RpcFailure(_code(error), error.message)
    except OSError as error:
        return RpcFailure(UNKNOWN, (error.strerror or "input/output error").lower())
    except Exception:
        log.exception("in %s", call.path)
        return RpcFailure(INTERNAL, "internal error: see the daemon's log")
    return None


def _code(error: OrlopError) -> int:
    if isinstance(error, NotFound):
        return NOT_FOUND
    return UNIMPLEMENTED if isinstance(error, NotSupported) else UNKNOWN


def _decoded(table: Table, data: bytes) -> Json:
    try:
        return decode(table, data)
    except Malformed as error:
        raise RpcFailure(
            INTERNAL, f"grpc: failed to unmarshal the received message: {error}"
        ) from None


# --- calling --------------------------------------------------------------------------------------


class Outgoing:
    """A call of ours. Close it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._messages = Messages(stream)

    def send(self, table: Table, value: Mapping[str, Any]) -> None:
        self._stream.send(framed(encode(table, value)))

    def send_encoded(self, messages: Iterable[bytes]) -> None:
        """Several at once."""
        self._stream.send(b"".join(map(framed, messages)))

    def send_end(self) -> None:
        self._stream.send(b"", end=True)

    def receive(self) -> bytes | None:
        """None at a good end. Raises RpcFailure."""
        try:
            found = self._messages.next()
        except Broken as error:
            raise RpcFailure(CANCELLED, error.message) from None
        if found is None:
            self._check()
        return found

    def ready(self) -> bytes | None:
        return self._messages.ready()

    def close(self) -> None:
        self._stream.close()

    def _check(self) -> None:
        end = dict(self._stream.trailers or self._stream.answer)
        code = end.get("grpc-status", str(UNKNOWN))
        if code == "0":
            return
        text = unquote(end.get("grpc-message", "")) or "the call failed"
        raise RpcFailure(int(code[:3]) if code.isdigit() else UNKNOWN, text)


class Channel:
    """Calls of ours over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, path: str, metadata: Metadata = {}) -> Outgoing:  # noqa: B006
        headers: Headers = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("content-type", "application/grpc"), ("user-agent", "orlop"), ("te", "trailers"),
        ]  # fmt: skip
        headers += [(name, value) for name, values in metadata.items() for value in values]
        try:
            return Outgoing(self._connection.open(headers))
        except Broken as error:
            raise RpcFailure(UNAVAILABLE, error.message) from None

    def call(self, path: str, table: Table, value: Mapping[str, Any], answer: Table,
             metadata: Metadata = {}) -> Json:  # fmt: skip  # noqa: B006
        """One message each way. Raises RpcFailure."""
        call = self.open(path, metadata)
        try:
            with contextlib.suppress(Broken):  # then the answer says why
                call.send(table, value)
                call.send_end()
            found = call.receive()
            if found is None:
                raise RpcFailure(INTERNAL, "the call has no answer")
            if call.receive() is not None:
                raise RpcFailure(INTERNAL, "the call has two answers")
            return _decoded(answer, found)
        finally:
            call.close()

    def close(self) -> None:
        self._connection.close()
