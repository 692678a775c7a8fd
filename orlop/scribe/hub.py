"""Where the streams of one process meet its attached clients.

A hub may be there before the process: `docker run` attaches first. It ends with the process; its
clients then drain by themselves.
"""

from __future__ import annotations

import os

from orlop.scribe.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.scribe.scribe import Scribe
    from orlop.scribe.task import Task


class Hub:
    __slots__ = ("_pending", "clients", "key", "scribe", "task")

    def __init__(self, scribe: Scribe, key: tuple[str, str]) -> None:
        self.scribe = scribe
        self.key = key
        self.task: Task | None = None
        self.clients: list[Client] = []
        self._pending: memoryview | None = None  # of stdin, while the process does not read

    @property
    def full(self) -> bool:
        """Whether a client is so far behind that the streams have to wait."""
        return any(client.full for client in self.clients)

    @property
    def terminal(self) -> bool:
        return self.task is not None and self.task.terminal

    @property
    def takes_stdin(self) -> bool:
        """Whether stdin can still come to something: the process is to come, or has it open."""
        return self.task is None or self.task.stdin >= 0

    @property
    def accepts(self) -> bool:
        """Whether stdin can be written now."""
        return self.task is not None and self.task.stdin >= 0 and self._pending is None

    def attach(self, fd: int, options: dict[str, Any]) -> None:
        client = Client(self, fd, options)
        self.clients.append(client)
        self._note_stdin(client)
        self.wake(client)

    def begin(self, task: Task) -> None:
        """The process is there."""
        self.task = task
        for client in self.clients:
            self._note_stdin(client)
            self.wake(client)

    def _note_stdin(self, client: Client) -> None:
        # Should we be killed, the next scribe must close the stdin that only this client feeds.
        if self.task is not None and client.stdin and client.stdin_once:
            self.task.note_stdin()

    def feed(self, stream: int, data: bytes) -> None:
        for client in tuple(self.clients):
            client.feed(stream, data)

    def resume(self) -> None:
        """A client caught up."""
        if self.task is not None and not self.full:
            self.task.wake()

    def wake(self, client: Client) -> None:
        if client.stdin and client.readable and not client.scheduled and self.accepts:
            client.scheduled = True
            self.scribe.schedule(client)

    def write(self, data: bytes | memoryview) -> None:
        """To the process; what it does not take yet waits, and no client is read meanwhile."""
        if not data or self.task is None:
            return
        view = memoryview(data)
        try:
            written = os.write(self.task.stdin, view)
        except BlockingIOError:
            written = 0
        except OSError:
            self.task.lose_stdin()  # it closed its end
            return
        if written < len(view):
            self._pending = view[written:]

    def writable(self) -> None:
        """The process took some of its stdin."""
        if self._pending is not None:
            data, self._pending = self._pending, None
            self.write(data)
        if self._pending is None and self.task is not None:
            if self.task.closing_stdin:
                self.task.close_stdin()
                return
            for client in self.clients:
                self.wake(client)

    def idle(self) -> bool:
        return self._pending is None

    def stdin_ended(self, client: Client) -> None:
        """The client closed its sending side.

        As Docker: it ends the process's stdin when that was opened for one client, without a
        terminal; else the client is done altogether.
        """
        if self.task is not None and client.stdin_once and not self.terminal:
            client.stdin = False
            self.task.close_stdin()
            return
        client.finish()

    def detached(self, client: Client) -> None:
        self.scribe.tell_daemons({"event": "detach", "id": self.key[0], "exec_id": self.key[1]})
        client.finish()

    def finish(self) -> None:
        """The process ended and its output is read, or it will never come."""
        self.task = None
        self._pending = None
        for client in tuple(self.clients):
            client.finish()

    def left(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
        self.scribe.hub_left(self)
