"""One end of a message connection inside a poller: frames in, frames out, nothing blocks."""

from __future__ import annotations

import _socket
import os

from orlop.scribe import frames
from orlop.scribe.poller import ERROR, HANGUP, READ, WRITE, Poller, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Frame = dict[str, Any]
    Receive = Callable[["Connection", Frame, list[int]], None]

_MOST_QUEUED = 65536  # frames; an end that does not read for so long is dropped and may reconnect
_BATCH = 32


class Connection:
    """`on_frame(connection, frame, fds)` owns the fds; `on_close(connection)` comes once."""

    __slots__ = ("_closed", "_on_close", "_on_frame", "_poller", "_queue", "name", "sock")

    def __init__(
        self,
        poller: Poller,
        sock: _socket.socket,
        on_frame: Receive,
        on_close: Callable[[Connection], None],
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.name = ""
        self._poller = poller
        self._on_frame = on_frame
        self._on_close = on_close
        self._queue: list[tuple[bytes, tuple[int, ...]]] = []
        self._closed = False
        poller.add(sock.fileno(), READ, self._handle)

    @property
    def closed(self) -> bool:
        return self._closed

    def send(self, frame: Frame, fds: Sequence[int] = ()) -> None:
        """Now, or when the other end reads. Does nothing once closed. `fds` stay the caller's."""
        if self._closed:
            return
        data, extra = frames.pack(frame)
        rights = tuple(fds) if extra < 0 else (extra, *fds)
        try:
            if self._queue:
                raise BlockingIOError
            frames.transmit(self.sock, data, rights)
        except BlockingIOError:
            self._hold(data, tuple(os.dup(fd) for fd in rights))
        except OSError:
            self.close()
        finally:
            if extra >= 0:
                os.close(extra)

    def _hold(self, data: bytes, fds: tuple[int, ...]) -> None:
        self._queue.append((data, fds))
        if len(self._queue) > _MOST_QUEUED:
            self.close()
            return
        self._poller.change(self.sock.fileno(), READ | WRITE)

    def _handle(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & (READ | HANGUP | ERROR):
            self._read()

    def _flush(self) -> None:
        try:
            while self._queue:
                data, fds = self._queue[0]
                frames.transmit(self.sock, data, fds)
                frames.close_all(fds)
                del self._queue[0]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._poller.change(self.sock.fileno(), READ)

    def look(self) -> None:
        """Read now, e.g. to see a hang-up that the poller has not come to."""
        self._read()

    def _read(self) -> None:
        for _ in range(_BATCH):
            if self._closed:
                return
            try:
                frame, fds = frames.receive(self.sock)
            except BlockingIOError:
                return
            except (frames.Hangup, OSError, ValueError, EOFError, TypeError):
                self.close()
                return
            try:
                self._on_frame(self, frame, fds)
            except Exception:
                report()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._poller.remove(self.sock.fileno())
        self.sock.close()
        for _, fds in self._queue:
            frames.close_all(fds)
        self._queue.clear()
        self._on_close(self)

    @property
    def pending(self) -> bool:
        """Whether frames wait for the other end."""
        return bool(self._queue)
