"""A client's connection between requests: h11 on the loop's thread.

States: reading a head (the loop watches for input), busy (a thread owns socket and h11, the loop
watches only whether the client goes away), released (hijacked or closed).
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import h11

from orlop.api import loop as loops
from orlop.api.answer import REASONS, Answer
from orlop.api.encode import failure
from orlop.api.exchange import Exchange

if TYPE_CHECKING:
    from orlop.api.server import Server

HEAD_LIMIT = 1 << 20  # bytes, as Go; X-Registry-Config of many registries is long
HEAD_TIME = 60.0  # seconds from the first byte of a head to its end
_UNREAD = 16  # pieces of what follows a malformed request that are taken before it is closed


class Connection:
    def __init__(self, server: Server, sock: socket.socket, *, local: bool, secure: bool) -> None:
        self._server = server
        self._socket = sock
        self._fd = sock.fileno()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self._last = b""
        self.local = local  # a unix socket: no browser reaches it
        self.secure = secure  # TLS with a client certificate
        self.exchange: Exchange | None = None
        self.begun = 0.0  # monotonic time of an unfinished head's first byte

    def watch(self) -> None:
        self._server.loop.watch(self._fd, loops.READ, self._readable)

    def _readable(self, events: int) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if self._bare_line_feed(data):
            self._refuse(Answer(400, failure("malformed HTTP request: bare line feed")))
            return
        self._http.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        """Take complete requests until one needs a thread."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                text = str(error) or "malformed HTTP request"
                self._refuse(Answer(error.error_status_hint, failure(text)))
                return
            if type(event) is h11.Request:
                if not self._begin(event):
                    return
            elif event is h11.NEED_DATA:
                if not self.begun and self._http.trailing_data[0]:
                    self.begun = time.monotonic()
                    self._server.unfinished(self)
                return
            else:
                self.close()
                return

    def _begin(self, request: h11.Request) -> bool:
        """True when it was answered at once."""
        self.begun = 0.0
        if request.http_version not in (b"1.0", b"1.1"):
            self._refuse(Answer(505, failure("unsupported protocol version")))
            return False
        wrong = _framing(request)
        if wrong:
            self._refuse(Answer(400, failure(wrong)))
            return False
        answer = None
        if not _has_body(request):
            answer = self._server.application.quick(self, request)
        if answer is not None:
            self._http.next_event()  # the end of a request without a body
            return self._reply(request, answer)
        exchange = Exchange(self, self._socket, self._http, request)
        self.exchange = exchange
        self._server.loop.watch(self._fd, loops.GONE, self._left)
        self._server.threads.run(self._server.application.serve, exchange, request)
        return False

    def _reply(self, request: h11.Request, answer: Answer) -> bool:
        headers = [*answer.headers]
        if answer.content_type:
            headers.append(("Content-Type", answer.content_type))
        headers.append(("Content-Length", str(len(answer.body))))
        head = h11.Response(
            status_code=answer.status, headers=headers, reason=REASONS.get(answer.status, b"")
        )
        data = self._http.send(head) or b""
        if answer.body and request.method != b"HEAD":
            data += self._http.send(h11.Data(data=answer.body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        try:
            if self._socket.send(data) != len(data):
                raise BlockingIOError  # it asks and does not read
        except OSError:
            self.close()
            return False
        if self._http.our_state is not h11.DONE:
            self.close()
            return False
        self._http.start_next_cycle()
        return True

    def _refuse(self, answer: Answer) -> None:
        """Answer a malformed request and close: what follows it cannot be trusted."""
        try:
            data = self._http.send(
                h11.Response(
                    status_code=answer.status,
                    reason=REASONS.get(answer.status, b""),
                    headers=[
                        ("Content-Type", answer.content_type),
                        ("Content-Length", str(len(answer.body))),
                        ("Connection", "close"),
                    ],
                )
            )
            self._socket.send((data or b"") + answer.body)
            self._socket.shutdown(socket.SHUT_WR)
            for _ in range(_UNREAD):  # a client that sends on and on must not hold up the others
                if not self._socket.recv(65536):
                    break
        except (OSError, h11.ProtocolError):
            pass
        self.close()

    def _left(self, events: int) -> None:
        """The client closed while its request is being served."""
        self._server.loop.unwatch(self._fd)
        exchange = self.exchange  # its thread may release us meanwhile
        if exchange is not None:
            exchange.gone.set()

    def _bare_line_feed(self, data: bytes) -> bool:
        """Heads end their lines with CR LF; anything else is how requests are smuggled."""
        if self._http.their_state is not h11.IDLE:
            return False
        head = self._last + data
        end = head.find(b"\r\n\r\n")
        if end >= 0:
            head = head[:end]
        self._last = data[-1:]
        return head.count(b"\n") - head.startswith(b"\n") != head.count(b"\r\n")

    def in_thread(self, function: Any, *arguments: Any) -> None:
        self._server.threads.run(function, *arguments)

    def resume(self) -> None:
        """From the request's thread: the answer is sent, go on reading."""
        self._server.loop.call(self._resume)

    def _resume(self) -> None:
        if self._socket.fileno() < 0:
            return
        self.exchange = None
        if self._server.closing:
            self.close()
            return
        self._http.start_next_cycle()
        self._last = b""
        self.watch()
        self._advance()

    def abandon(self) -> None:
        """From the request's thread: the connection is of no more use."""
        self._server.loop.call(self.close)

    def release(self) -> int:
        """From the request's thread: the descriptor leaves us, blocking, watched by nobody."""
        self._server.loop.unwatch(self._fd)
        self._server.connections.discard(self)
        self.exchange = None
        self._socket.setblocking(True)
        return self._socket.detach()

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._server.loop.unwatch(self._fd)
            self._socket.close()
        self.exchange = None
        self._server.connections.discard(self)

    def cut(self) -> None:
        """End it under the feet of its thread, whose next read or write fails."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _framing(request: h11.Request) -> str:
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" in names and b"content-length" in names:
        return "malformed HTTP request: both Content-Length and Transfer-Encoding"
    return ""


def _has_body(request: h11.Request) -> bool:
    for name, value in request.headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False
