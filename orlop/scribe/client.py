"""One attached client: a connected stream socket that gets output and may give stdin.

Output waits in a bounded queue; a full one pauses the container's streams (Docker's back-pressure)
and nothing else. At the end the queue is sent, then the socket shut down.
"""

from __future__ import annotations

import _socket
import os

from orlop import wire
from orlop.scribe.poller import EDGE, ERROR, HANGUP, PEER_CLOSED, READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.scribe.hub import Hub

LIMIT = 900_000  # bytes queued before the streams pause; a turn may add 64 KiB per stream
_READ = 65536
_LINGER = 10.0  # seconds for a client to close after us


class Client:
    __slots__ = (
        "_closing",
        "_fd",
        "_hub",
        "_keys",
        "_leftover",
        "_lingering",
        "_mux",
        "_output",
        "_wants",
        "queue",
        "queued",
        "readable",
        "scheduled",
        "stdin",
        "stdin_once",
    )

    def __init__(self, hub: Hub, fd: int, options: dict[str, Any]) -> None:
        """Owns `fd`. `options`: those of the attach request."""
        os.set_blocking(fd, False)
        self._hub = hub
        self._fd = fd
        self._mux = bool(options.get("mux"))
        self._wants = (False, bool(options.get("stdout")), bool(options.get("stderr")))
        self.stdin = bool(options.get("stdin"))
        self.stdin_once = bool(options.get("stdin_once"))
        self._keys = wire.DetachKeys(options.get("detach_keys") or b"")
        self._leftover: bytes = options.get("leftover") or b""
        self.queue: list[memoryview] = []
        self.queued = 0
        self.readable = bool(self._leftover)
        self.scheduled = False
        self._output = True  # whether it still takes output
        self._closing = False
        self._lingering = False
        hub.scribe.poller.add(fd, READ | WRITE | PEER_CLOSED | EDGE, self._handle)

    @property
    def open(self) -> bool:
        return self._fd >= 0

    @property
    def full(self) -> bool:
        return self.queued > LIMIT

    def feed(self, stream: int, data: bytes) -> None:
        if not self._output or self._closing or not self._wants[stream]:
            return
        parts = [wire.header(stream, len(data)), data] if self._mux else [data]
        if self.queue:
            self._enqueue(parts, 0)
            return
        try:
            sent = os.writev(self._fd, parts)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose_output()
            return
        self._enqueue(parts, sent)

    def _enqueue(self, parts: list[bytes], sent: int) -> None:
        for part in parts:
            if sent < len(part):
                self.queue.append(memoryview(part)[sent:])
                self.queued += len(part) - sent
                sent = 0
            else:
                sent -= len(part)

    def _flush(self) -> None:
        was_full = self.full
        try:
            while self.queue:
                sent = os.writev(self._fd, self.queue[:64])
                self.queued -= sent
                while sent:
                    first = self.queue[0]
                    if sent < len(first):
                        self.queue[0] = first[sent:]
                        break
                    sent -= len(first)
                    del self.queue[0]
        except BlockingIOError:
            pass
        except OSError:
            self._lose_output()
        if was_full and not self.full:
            self._hub.resume()
        if self._closing and not self.queue:
            self._linger()

    def _lose_output(self) -> None:
        """It takes no output any more; what it sent may still be read."""
        was_full = self.full
        self._output = False
        self.queue.clear()
        self.queued = 0
        if was_full:
            self._hub.resume()

    def _handle(self, events: int) -> None:
        if events & (HANGUP | ERROR):
            self._lose_output()
            if self._closing or not self.stdin or not self._hub.takes_stdin:
                self.close()
                return
        if events & WRITE and self._fd >= 0:
            self._flush()
        if events & (READ | PEER_CLOSED | HANGUP) and self._fd >= 0:
            self.readable = True
            if self._lingering:
                self._discard()
            elif self.stdin:
                self._hub.wake(self)

    def turn(self) -> bool:
        """Move some of its stdin; True to be called again."""
        self.scheduled = False
        hub = self._hub
        if self._fd < 0 or self._closing or not self.readable or not hub.accepts:
            return False
        data, self._leftover = self._leftover, b""
        if not data:
            try:
                data = os.read(self._fd, _READ)
            except BlockingIOError:
                self.readable = False
                return False
            except OSError:
                data = b""
            if not data:
                self.readable = False
                hub.stdin_ended(self)
                return False
        if hub.terminal:
            data, detached = self._keys.feed(data)
            hub.write(data)
            if detached:
                hub.detached(self)
                return False
        else:
            hub.write(data)
        self.scheduled = True
        return True

    def finish(self) -> None:
        """No more output will come: send the rest, then hang up."""
        if self._closing or self._fd < 0:
            return
        self._closing = True
        if not self.queue:
            self._linger()

    def _linger(self) -> None:
        """Half-close and wait for the client to close: closing over unread data would reset."""
        if self._lingering or self._fd < 0:
            return
        self._lingering = True
        if not self._output:
            self.close()
            return
        self._shutdown(_socket.SHUT_WR)
        self._discard()
        if self._fd >= 0:
            self._hub.scribe.poller.after(_LINGER, self, self.close)

    def _discard(self) -> None:
        try:
            while os.read(self._fd, _READ):
                pass
            self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def _shutdown(self, how: int) -> None:
        sock = _socket.socket(fileno=self._fd)
        try:
            sock.shutdown(how)
        except OSError:
            pass  # the client was faster
        finally:
            sock.detach()

    def close(self) -> None:
        if self._fd < 0:
            return
        poller = self._hub.scribe.poller
        poller.cancel(self)
        poller.remove(self._fd)
        self._shutdown(_socket.SHUT_RDWR)  # the daemon may hold a copy
        fd, self._fd = self._fd, -1
        try:
            while os.read(fd, _READ):
                pass
        except OSError:
            pass
        os.close(fd)
        self._lose_output()
        self._hub.left(self)
