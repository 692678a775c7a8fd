"""What the processes beside the daemon share: a loop, and a control socket that frames come over.

Frames are marshal'd dicts over SOCK_SEQPACKET, with file descriptors. Standard library only.
"""

from __future__ import annotations

import _socket
import marshal
import os
import select
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Frame = dict[str, Any]

_IN = select.EPOLLIN
_FRAME = 1 << 17
_FDS = 8


class Loop:
    """Readiness to callbacks."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.handlers: dict[int, Callable[[int], None]] = {}
        self.urgent: set[int] = set()  # these before others that are ready as well

    def add(self, fd: int, mask: int, handler: Callable[[int], None]) -> None:
        self.handlers[fd] = handler
        self.epoll.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        self.epoll.modify(fd, mask)

    def remove(self, fd: int) -> None:
        if self.handlers.pop(fd, None) is not None:
            self.epoll.unregister(fd)

    def turn(self, timeout: float) -> None:
        ready = self.epoll.poll(timeout)
        if self.urgent:
            ready.sort(key=lambda event: event[0] not in self.urgent)
        for fd, mask in ready:
            handler = self.handlers.get(fd)
            if handler is not None:
                handler(mask)


class Control:
    """The listening socket and its connections.

    `handle(frame, fds)`: takes the fds it keeps out of the list; what it returns is the answer,
    None for a frame that wants none. It raises OSError, KeyError, ValueError, TypeError for a bad
    frame: the answer is then {"error": text}, if the frame asks.
    """

    def __init__(
        self, loop: Loop, sock: _socket.socket, handle: Callable[[Frame, list[int]], Frame | None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._handle = handle
        self._path = sock.getsockname()
        self.connections = loop.urgent  # what the daemon said is heard before who asks about it
        sock.setblocking(False)
        loop.add(sock.fileno(), _IN, self._accept)

    def lost(self) -> bool:
        """The exec root is gone: no daemon will ever find us."""
        return not os.path.exists(self._path)

    def _accept(self, mask: int) -> None:
        try:
            fd = self._sock._accept()[0]  # type: ignore[attr-defined]
        except OSError:
            return
        connection = _socket.socket(fileno=fd)
        connection.setblocking(False)
        self.connections.add(fd)
        self._loop.add(fd, _IN, lambda mask: self._frames(connection))

    def _frames(self, connection: _socket.socket) -> None:
        try:
            while True:
                self._frame(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.connections.discard(connection.fileno())
            self._loop.remove(connection.fileno())
            connection.close()

    def _frame(self, connection: _socket.socket) -> None:
        space = _socket.CMSG_SPACE(4 * _FDS)
        data, rights, _, _ = connection.recvmsg(_FRAME, space, _socket.MSG_CMSG_CLOEXEC)
        fds: list[int] = []
        for level, kind, payload in rights:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                fds += struct.unpack(f"={len(payload) // 4}i", payload)
        try:
            if not data:
                raise ConnectionResetError(104, "closed")
            answer = self._answer(data, fds)
            if answer is not None:
                connection.send(marshal.dumps(answer))
        finally:
            for fd in fds:
                os.close(fd)

    def _answer(self, data: bytes, fds: list[int]) -> Frame | None:
        try:
            frame = marshal.loads(data)
            wanted = bool(frame.get("ask"))
        except (ValueError, TypeError, EOFError, AttributeError):
            return None  # not a frame of ours
        try:
            answer = self._handle(frame, fds)
        except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            answer = {"error": str(error)}
        return answer if wanted else None
