"""One request and its answer, on the thread that owns the connection meanwhile.

Blocking reads and writes on the non-blocking socket through poll(2): back-pressure both ways with
no queue. h11 decides what may be sent; nothing is written around it but after a hijack.
"""

from __future__ import annotations

import io
import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import h11

from orlop.api.answer import REASONS, Answer, Headers, Later, Reply, Stream
from orlop.errors import OrlopError
from orlop.kernel.outqueue import await_read

if TYPE_CHECKING:
    from orlop.api.connection import Connection

log = logging.getLogger(__name__)

RECEIVE = 96 << 10  # below malloc's mmap threshold, where each buffer costs page faults
_DRAIN = 256 << 10  # as Go's server: unread body read before the connection is given up
_LINGER = 0.5  # seconds, likewise
_HEAD_READ = 0.05  # seconds that a client may take to read the head before a stream


class Disconnected(OSError):
    """The client has gone, or sends nothing for too long."""


class Gone:
    """Set once the client has closed its side or the server stops: nobody waits for the answer."""

    __slots__ = ("_callbacks", "_event")

    def __init__(self) -> None:
        self._event = threading.Event()
        self._callbacks: list[Callable[[], object]] = []

    def set(self) -> None:
        self._event.set()
        while self._callbacks:
            self._callbacks.pop()()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._event.wait(seconds)

    def call(self, callback: Callable[[], object]) -> None:
        """Run `callback` (quick, any thread) then; at once if it is set already."""
        self._callbacks.append(callback)
        if self._event.is_set():
            self.set()


class Exchange:
    """Ends with exactly one of: `answer`, `hijack`."""

    def __init__(
        self,
        connection: Connection,
        sock: socket.socket,
        http: h11.Connection,
        request: h11.Request,
    ) -> None:
        self.connection = connection
        self._socket = sock
        self._http = http
        self._request = request
        self._identity: Headers = ()
        # A body may be read on one thread while progress is sent on another (image load).
        self._turn = threading.Lock()
        self.gone = Gone()
        self.body = Body(self)
        self.hijacked = False

    def identify(self, headers: Headers) -> None:
        """Headers that every answer to this request carries."""
        self._identity = headers

    def receive(self, deadline: float | None = None) -> bytes:
        """The next piece of the request's body; b"" at its end. Raises OSError, ProtocolError."""
        self._proceed()
        while self._http.their_state is h11.SEND_BODY:
            with self._turn:
                event = self._http.next_event()
            if type(event) is h11.Data:
                return bytes(event.data)
            if event is not h11.NEED_DATA:
                return b""
            data = self._read(deadline)
            with self._turn:
                self._http.receive_data(data)
        return b""

    def answer(self, what: Reply) -> None:
        """Send it and give the connection back to the loop."""
        try:
            if isinstance(what, Answer):
                self._whole(what)
            elif isinstance(what, Stream):
                self._stream(what)
            elif isinstance(what, Later):
                self._later(what)
                return
            else:
                return
        except (Disconnected, ConnectionError, h11.ProtocolError):
            self.connection.abandon()
            return
        except Exception as error:
            # The head is out: all that is left is not to end the body as if it were whole.
            known = isinstance(error, OrlopError | OSError)  # such as a file that went meanwhile
            target = self._request.target.decode("ascii", "replace")
            log.error("while answering %s: %s", target, error, exc_info=not known)
            self.connection.abandon()
            return
        self._leave()

    def abandon(self) -> None:
        """Close without another word."""
        self.connection.abandon()

    def upgrade(self) -> bytes:
        """The protocol the client wants to switch to, lower case; b"" for none."""
        found, wants = b"", False
        for name, value in self._request.headers:
            if name == b"upgrade":
                found = value.lower()
            elif name == b"connection" and b"upgrade" in value.lower():
                wants = True
        return found if wants else b""

    def hijack(self, content_type: str) -> tuple[int, bytes]:
        """(file descriptor, what was read behind the request). The descriptor is the caller's."""
        lines = [f"Content-Type: {content_type}"]
        if not self.upgrade():
            return self.switch("200 OK", lines)
        return self.switch("101 UPGRADED", [*lines, "Connection: Upgrade", "Upgrade: tcp"])

    def switch(self, status: str, headers: Sequence[str]) -> tuple[int, bytes]:
        """`hijack` with any status and header lines."""
        lines = [f"HTTP/1.1 {status}", *headers]
        lines += [f"{name}: {value}" for name, value in self._identity]
        while self.receive():
            pass  # the request ends before the stream begins
        self._write(["\r\n".join([*lines, "", ""]).encode("latin-1")])
        self.hijacked = True
        # Clients such as docker-py read headers through a buffer and the stream below it: bytes
        # that come in the same packet as the headers would be lost to them.
        await_read(self._socket.fileno(), _HEAD_READ)
        leftover = bytes(self._http.trailing_data[0])
        return self.connection.release(), leftover

    def _whole(self, answer: Answer) -> None:
        headers = list(answer.headers)
        if answer.content_type:
            headers.append(("Content-Type", answer.content_type))
        if answer.status not in (204, 304):
            headers.append(("Content-Length", str(len(answer.body))))
        if not self._drained():
            headers.append(("Connection", "close"))
        self._send(
            self._head(answer.status, headers),
            *([h11.Data(data=answer.body)] if answer.body and self._has_body() else ()),
            h11.EndOfMessage(),
        )

    def _stream(self, answer: Stream) -> None:
        chunks = answer.chunks
        try:
            self._proceed()
            headers = [*answer.headers, ("Content-Type", answer.content_type)]
            self._send(self._head(answer.status, headers))
            if self._has_body():
                for chunk in chunks:
                    if chunk:
                        self._send(h11.Data(data=chunk))
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        self._send(h11.EndOfMessage())

    def _later(self, answer: Later) -> None:
        try:
            self._send(self._head(answer.status, [("Content-Type", answer.content_type)]))
        except (OSError, h11.ProtocolError):
            answer.future.cancel()
            self.connection.abandon()
            return
        self.gone.call(answer.future.cancel)
        answer.future.add_done_callback(lambda _: self.connection.in_thread(self._now, answer))

    def _now(self, answer: Later) -> None:
        try:
            if answer.future.cancelled():
                raise Disconnected
            self._send(h11.Data(data=answer.encode(answer.future.result())), h11.EndOfMessage())
        except (OSError, h11.ProtocolError):
            self.connection.abandon()
            return
        self._leave()

    def _head(self, status: int, headers: Sequence[tuple[str, str]]) -> h11.Response:
        return h11.Response(
            status_code=status,
            headers=[*self._identity, *headers],
            reason=REASONS.get(status, b""),
        )

    def _has_body(self) -> bool:
        return self._request.method != b"HEAD"

    def _proceed(self) -> None:
        """Tell a client that waits for leave to send its body."""
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))

    def _send(self, *events: Any) -> None:
        pieces: list[bytes] = []
        with self._turn:
            for event in events:
                pieces += self._http.send_with_data_passthrough(event) or ()
        self._write(pieces)

    def _write(self, pieces: Sequence[bytes]) -> None:
        try:
            write_all(self._socket, pieces)
        except ConnectionError as error:
            raise Disconnected(*error.args) from None

    def _read(self, deadline: float | None) -> bytes:
        while True:
            try:
                return self._socket.recv(RECEIVE)
            except BlockingIOError:
                _await(self._socket, select.POLLIN, deadline)
            except ConnectionError as error:
                raise Disconnected(*error.args) from None

    def _drained(self) -> bool:
        """Whether the request is read to its end, taking what is there but waiting for nothing."""
        left = _DRAIN
        if self._http.they_are_waiting_for_100_continue:
            return False
        while self._http.their_state is h11.SEND_BODY and left > 0:
            event = self._http.next_event()
            if type(event) is h11.Data:
                left -= len(event.data)
            elif event is h11.NEED_DATA:
                try:
                    self._http.receive_data(self._socket.recv(RECEIVE))
                except BlockingIOError:
                    return False
        return self._http.their_state is not h11.SEND_BODY

    def _leave(self) -> None:
        try:
            drained = self._drained()
        except (OSError, h11.ProtocolError):
            drained = False
        if drained and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self.connection.resume()
            return
        # Unread data at close(2) resets the connection and may destroy the answer on its way.
        try:
            if self._http.their_state is h11.SEND_BODY:
                self._socket.shutdown(socket.SHUT_WR)
                deadline = time.monotonic() + _LINGER
                while self._read(deadline):
                    pass
        except OSError:
            pass
        self.connection.abandon()


class Body(io.BufferedIOBase):
    """The request's body as a file; what is not read yet stays with the client."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._piece = b""
        self._at = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        """What comes first, up to `size` bytes; b"" at the end."""
        if not self._more():
            return b""
        end = len(self._piece) if size < 0 else self._at + size
        taken = self._piece[self._at : end]
        self._at += len(taken)
        return taken

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None else size
        first = self.read1(wanted)
        if not first or len(first) == wanted:
            return first
        parts, got = [first], len(first)
        while got != wanted:
            part = self.read1(wanted - got if wanted >= 0 else -1)
            if not part:
                break
            parts.append(part)
            got += len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not self._more():
            return 0
        taken = self._piece[self._at : self._at + len(view)]
        view[: len(taken)] = taken
        self._at += len(taken)
        return len(taken)

    def collect(self, limit: int, seconds: float) -> bytes | None:
        """All of it, within a time; None when it is longer than `limit`."""
        deadline = time.monotonic() + seconds
        parts: list[bytes] = []
        total = 0
        while piece := self._exchange.receive(deadline):
            total += len(piece)
            if total > limit:
                return None
            parts.append(piece)
        self._ended = True
        return b"".join(parts)

    def _more(self) -> bool:
        while self._at >= len(self._piece):
            if self._ended:
                return False
            self._piece, self._at = self._exchange.receive(), 0
            self._ended = not self._piece
        return True


def write_all(sock: socket.socket, pieces: Sequence[bytes]) -> None:
    """Every byte, waiting as long as the client does. Raises OSError when it has gone."""
    rest = [memoryview(p) for p in pieces if p]
    while rest:
        try:
            sent = sock.sendmsg(rest)
        except BlockingIOError:
            _await(sock, select.POLLOUT, None)
            continue
        while rest and sent >= len(rest[0]):
            sent -= len(rest.pop(0))
        if sent:
            rest[0] = rest[0][sent:]


def _await(sock: socket.socket, events: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(sock, events)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise Disconnected("the request took too long")
