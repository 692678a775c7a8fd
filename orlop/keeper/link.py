"""A connection of the daemon to keeper or scribe: many threads ask, one reads."""

from __future__ import annotations

import _socket
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

from orlop.scribe import frames

Frame = dict[str, Any]
Reply = tuple[Frame, list[int]]


class Lost(Exception):
    """The other end is gone; what was asked may or may not have been done."""


class Link:
    """`on_event(frame)` for what has no "seq", `on_close(link)` once, both on the reader."""

    def __init__(
        self,
        sock: _socket.socket,
        name: str,
        on_event: Callable[[Frame], None],
        on_close: Callable[[Link], None],
    ) -> None:
        self._sock = sock
        self._on_event = on_event
        self._on_close = on_close
        self._lock = threading.Lock()  # of what follows, and of sending
        self._next = 0
        self._waiting: dict[int, SimpleQueue[Reply | None]] = {}
        self._takers: dict[int, Callable[[int, Frame], None]] = {}
        self.alive = True
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    def ask(
        self,
        frame: Frame,
        fds: tuple[int, ...] = (),
        take: Callable[[int, Frame], None] | None = None,
    ) -> Reply:
        """The reply and its fds. `take` gets the first fd and the reply on the reader's thread,
        before any event that follows. Raises Lost.
        """
        seq, queue = self._send(frame, fds, take)
        try:
            return self._wait(queue)
        finally:
            with self._lock:
                self._waiting.pop(seq, None)
                self._takers.pop(seq, None)

    def stream(self, frame: Frame) -> Iterator[Reply]:
        """Several replies; the caller knows the last and stops there."""
        seq, queue = self._send(frame, (), None)
        try:
            while True:
                yield self._wait(queue)
        finally:
            with self._lock:
                self._waiting.pop(seq, None)

    def _send(
        self, frame: Frame, fds: tuple[int, ...], take: Callable[[int, Frame], None] | None
    ) -> tuple[int, SimpleQueue[Reply | None]]:
        queue: SimpleQueue[Reply | None] = SimpleQueue()
        with self._lock:
            if not self.alive:
                raise Lost("the connection is closed")
            self._next += 1
            seq = self._next
            self._waiting[seq] = queue
            if take is not None:
                self._takers[seq] = take
            try:
                frames.send(self._sock, {**frame, "seq": seq}, fds)
            except BaseException as error:
                self._waiting.pop(seq, None)
                self._takers.pop(seq, None)
                if isinstance(error, ConnectionError):
                    self.alive = False  # the reader may learn it only later
                if isinstance(error, OSError):
                    raise Lost(str(error)) from None
                raise
        return seq, queue

    def _wait(self, queue: SimpleQueue[Reply | None]) -> Reply:
        reply = queue.get()
        if reply is None:
            raise Lost("the connection broke")
        return reply

    def _read(self) -> None:
        try:
            while True:
                self._deliver(*frames.receive(self._sock))
        except (frames.Hangup, OSError, ValueError, EOFError, TypeError):
            pass
        with self._lock:
            self.alive = False
            waiting = list(self._waiting.values())
            self._waiting.clear()
        self._sock.close()
        for queue in waiting:
            queue.put(None)
        self._on_close(self)

    def _deliver(self, frame: Frame, fds: list[int]) -> None:
        seq = frame.pop("seq", None)
        if seq is None:
            frames.close_all(fds)
            self._on_event(frame)
            return
        with self._lock:
            queue = self._waiting.get(seq)
            take = self._takers.pop(seq, None)
        if queue is None:
            frames.close_all(fds)
            return
        if take is not None and fds:
            take(fds.pop(0), frame)
        queue.put((frame, fds))

    def close(self) -> None:
        """From any thread; the reader sees it and ends."""
        with self._lock:
            if not self.alive:
                return
            self.alive = False
            try:
                self._sock.shutdown(_socket.SHUT_RDWR)
            except OSError:
                pass
        self.await_end()

    def await_end(self) -> None:
        """Until the connection is closed, by either side."""
        if threading.current_thread() is not self._reader:
            self._reader.join(10)
