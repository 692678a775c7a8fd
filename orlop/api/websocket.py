"""`GET /containers/{id}/attach/ws`: attach for what can only speak WebSocket (RFC 6455).

The scribe gets one end of a socket pair; this thread turns the bytes at the other end into binary
frames and back. Streams are not told apart: that is Docker's behaviour here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import select
import socket
import struct
from dataclasses import replace

from orlop.api.answer import Hijacked, Reply
from orlop.api.call import Call
from orlop.api.streams import attach_options
from orlop.container.attach import attach as attaching
from orlop.errors import InvalidArgument

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_PIECE = 32 << 10
_LONGEST = 1 << 20  # bytes of one frame from a client
_NORMAL, _PROTOCOL_ERROR, _TOO_BIG = 1000, 1002, 1009


class _Closed(Exception):
    """The client said so, or must be told why (a close code)."""

    def __init__(self, code: int = _NORMAL) -> None:
        super().__init__(code)
        self.code = code


def attach(call: Call) -> Reply:
    options, _ = attach_options(call)
    accept = _handshake(call)
    options = replace(options, mux=False)
    ours, theirs = socket.socketpair()
    client: list[tuple[int, bytes]] = []

    def connect() -> tuple[int, bytes]:
        client.append(
            call.switch(
                "101 Switching Protocols",
                ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"],
            )
        )
        return theirs.detach(), b""

    with ours, theirs:
        attaching(call.engine.containers, call.parameters["id"], options, connect)
        fd, leftover = client[0]
        with socket.socket(fileno=fd) as outside:
            _Bridge(outside, ours, leftover).run()
    return Hijacked()


def _handshake(call: Call) -> str:
    """The accept key. Raises InvalidArgument for what is no WebSocket request."""
    key = call.header("sec-websocket-key")
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if call.upgrade() != b"websocket" or call.header("sec-websocket-version") != "13" or not valid:
        raise InvalidArgument("not websocket protocol")
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()


def frame(kind: int, data: bytes) -> bytes:
    length = len(data)
    if length < 126:
        head = struct.pack(">BB", 0x80 | kind, length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", 0x80 | kind, 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, 127, length)
    return head + data


class Frames:
    """Takes a client's frames apart, however they were cut."""

    def __init__(self) -> None:
        self._buffer = b""
        self._in_message = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Complete frames as (kind, data). Raises _Closed for what the protocol forbids."""
        self._buffer += data
        out = []
        while (found := self._next()) is not None:
            out.append(found)
        return out

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        kind, final, masked = buffer[0] & 15, bool(buffer[0] & 0x80), bool(buffer[1] & 0x80)
        length, at = buffer[1] & 127, 2
        if buffer[0] & 0x70 or not masked:
            raise _Closed(_PROTOCOL_ERROR)
        if length > 125:
            size = 2 if length == 126 else 8
            if len(buffer) < at + size:
                return None
            length = int.from_bytes(buffer[at : at + size], "big")
            at += size
        self._check(kind, final, length)
        if length > _LONGEST:
            raise _Closed(_TOO_BIG)
        if len(buffer) < at + 4 + length:
            return None
        mask = buffer[at : at + 4]
        data = _unmask(buffer[at + 4 : at + 4 + length], mask)
        self._buffer = buffer[at + 4 + length :]
        if kind < _CLOSE:
            self._in_message = not final
        return kind, data

    def _check(self, kind: int, final: bool, length: int) -> None:
        control = kind >= _CLOSE
        if kind not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            raise _Closed(_PROTOCOL_ERROR)
        if control and (not final or length > 125):
            raise _Closed(_PROTOCOL_ERROR)
        if not control and (kind == _CONTINUATION) != self._in_message:
            raise _Closed(_PROTOCOL_ERROR)


def _unmask(data: bytes, mask: bytes) -> bytes:
    """XOR as one big number: thousands of times faster than byte by byte."""
    length = len(data)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


class _Bridge:
    def __init__(self, outside: socket.socket, inside: socket.socket, leftover: bytes) -> None:
        self._outside = outside
        self._inside = inside
        self._frames = Frames()
        self._first = leftover
        self._reading = True  # the container still takes input

    def run(self) -> None:
        try:
            if self._first:
                self._receive(self._first)
            while self._turn():
                pass
            self._say_goodbye(_NORMAL)
        except _Closed as closed:
            self._say_goodbye(closed.code)
        except OSError:
            pass  # either side has gone

    def _turn(self) -> bool:
        poll = select.poll()
        poll.register(self._inside, select.POLLIN)
        poll.register(self._outside, select.POLLIN)
        for fd, _ in poll.poll():
            if fd == self._inside.fileno():
                data = self._inside.recv(_PIECE)
                if not data:
                    return False
                self._outside.sendall(frame(_BINARY, data))
            else:
                data = self._outside.recv(_PIECE)
                if not data:
                    return False
                self._receive(data)
        return True

    def _receive(self, data: bytes) -> None:
        for kind, payload in self._frames.feed(data):
            if kind == _CLOSE:
                raise _Closed
            if kind == _PING:
                self._outside.sendall(frame(_PONG, payload))
            elif kind != _PONG and self._reading:
                try:
                    self._inside.sendall(payload)
                except BrokenPipeError:
                    self._reading = False  # its stdin is closed; output still comes

    def _say_goodbye(self, code: int) -> None:
        try:
            self._outside.settimeout(1)
            self._outside.sendall(frame(_CLOSE, struct.pack(">H", code)))
        except OSError:
            pass
