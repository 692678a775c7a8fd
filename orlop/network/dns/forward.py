"""Questions about the rest of the world, passed on to the resolvers outside.

One connected socket a question, from a port of its own, in the host's namespace or the container's
(`--dns`); the next resolver is asked when one fails or is silent. Docker's limits.
"""

from __future__ import annotations

import _socket
import os
import time

from orlop.kernel.namespace import setns
from orlop.network.dns.answer import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orlop.network.control import Loop

    Reply = Callable[[bytes], None]

_TIMEOUT = 4.0  # seconds a resolver may take
_MOST_SERVERS = 3
_MOST_AT_ONCE = 1024
_PORT = 53
_IN, _OUT = 1, 4
_CLONE_NEWNET = 0x40000000
_SERVFAIL, _REFUSED = 2, 5


class Question:
    """One question on its way."""

    __slots__ = ("datagram", "deadline", "received", "reply", "sent", "servers", "sock", "wire")

    def __init__(
        self, wire: bytes, servers: list[tuple[str, int]], reply: Reply, *, datagram: bool
    ) -> None:
        self.wire = wire
        self.servers = servers  # (address, namespace fd or -1) still to be asked
        self.reply = reply
        self.datagram = datagram
        self.sock: _socket.socket | None = None
        self.sent = False
        self.received = b""
        self.deadline = 0.0


class Forwarder:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._asked: dict[int, Question] = {}  # by socket
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def ask(
        self, wire: bytes, servers: list[tuple[str, int]], reply: Reply, *, datagram: bool
    ) -> None:
        """`servers`: (address, fd of the namespace to ask from or -1). Calls `reply` once."""
        if len(self._asked) >= _MOST_AT_ONCE:
            reply(failure(wire, _REFUSED))
            return
        self._next(Question(wire, servers[:_MOST_SERVERS], reply, datagram=datagram))

    def _next(self, question: Question) -> None:
        self._close(question)
        while question.servers:
            address, namespace = question.servers.pop(0)
            try:
                self._send(question, address, namespace)
            except OSError:
                self._close(question)
                continue
            return
        question.reply(failure(question.wire, _SERVFAIL))

    def _send(self, question: Question, address: str, namespace: int) -> None:
        family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
        kind = _socket.SOCK_DGRAM if question.datagram else _socket.SOCK_STREAM
        sock = self._open(family, kind, namespace)
        question.sock = sock
        question.sent = question.datagram
        question.received = b""
        question.deadline = time.monotonic() + _TIMEOUT
        code = sock.connect_ex((address, _PORT))
        if code not in (0, 115):  # EINPROGRESS
            raise OSError(code, os.strerror(code))
        if question.datagram:
            sock.send(question.wire)
        self._asked[sock.fileno()] = question
        mask = _IN if question.datagram else _OUT
        self._loop.add(sock.fileno(), mask, lambda mask: self._ready(question))

    def _open(self, family: int, kind: int, namespace: int) -> _socket.socket:
        kind |= _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        if namespace < 0:
            return _socket.socket(family, kind)
        setns(namespace, _CLONE_NEWNET)
        try:
            return _socket.socket(family, kind)
        finally:
            setns(self._home, _CLONE_NEWNET)

    def _ready(self, question: Question) -> None:
        assert question.sock is not None
        try:
            answer = self._datagram(question) if question.datagram else self._stream(question)
        except BlockingIOError:
            return
        except OSError:
            self._next(question)
            return
        if answer is None:
            return
        if len(answer) >= 12 and answer[3] & 0xF in (_SERVFAIL, _REFUSED) and question.servers:
            self._next(question)
            return
        self._close(question)
        question.reply(answer)

    def _datagram(self, question: Question) -> bytes | None:
        assert question.sock is not None
        data: bytes = question.sock.recv(65536)
        return data if _belongs(data, question.wire) else None

    def _stream(self, question: Question) -> bytes | None:
        sock = question.sock
        assert sock is not None
        if not question.sent:
            code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            sock.send(len(question.wire).to_bytes(2, "big") + question.wire)
            question.sent = True
            self._loop.change(sock.fileno(), _IN)
            return None
        data = sock.recv(65536)
        if not data:
            raise ConnectionResetError(104, "closed")
        question.received += data
        length = int.from_bytes(question.received[:2], "big")
        if len(question.received) < 2 or len(question.received) < 2 + length:
            return None
        answer = question.received[2 : 2 + length]
        if not _belongs(answer, question.wire):
            raise ConnectionResetError(104, "not the answer")
        return answer

    def expire(self, now: float) -> None:
        for question in [q for q in self._asked.values() if q.deadline < now]:
            self._next(question)

    def _close(self, question: Question) -> None:
        if question.sock is not None:
            self._asked.pop(question.sock.fileno(), None)
            self._loop.remove(question.sock.fileno())
            question.sock.close()
            question.sock = None

    @property
    def busy(self) -> bool:
        return bool(self._asked)


def _belongs(answer: bytes, question: bytes) -> bool:
    """A reply (QR set) with the question's ID."""
    return len(answer) >= 12 and answer[:2] == question[:2] and bool(answer[2] & 0x80)
