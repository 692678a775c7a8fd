"""The scribe's process: its loop, what it is told, and the keepers it outlives."""

from __future__ import annotations

import _socket
import os
import struct
from time import time_ns

from orlop.kernel import allocator
from orlop.scribe import frames
from orlop.scribe.connection import Connection
from orlop.scribe.hub import Hub
from orlop.scribe.ledger import Ledger
from orlop.scribe.poller import EDGE, READ, Poller, guard, report
from orlop.scribe.task import Task

_KEPT = 4 << 20  # bytes of freed memory that stay while there is work
_BUSY = 32  # turns after which they are given back, once it is quiet
_IDLE = 1.0  # seconds of quiet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    Frame = dict[str, Any]
    Key = tuple[str, str]

    class Turn(Protocol):
        def turn(self) -> bool: ...


class Scribe:
    """`told`: one (info, fds, exited_ns, drained) for each process the keeper has."""

    def __init__(self, keeper: _socket.socket | None, listener: _socket.socket, ledger: Ledger):
        self.poller = Poller()
        self.ledger = ledger
        self.orphans: set[Task] = set()
        self._tasks: dict[Key, Task] = {}
        self._hubs: dict[Key, Hub] = {}
        self._holds: dict[str, list[int]] = {}  # port sockets, for a keeper to come
        self._woken: list[Turn] = []
        self._stop = False
        self._listener = listener
        self._connections: set[Connection] = set()
        self._keeper: Connection | None = None
        self.poller.add(listener.fileno(), READ, self._accept)
        if keeper is not None:
            self._keeper = Connection(self.poller, keeper, self._on_frame, self._on_close)

    def load(
        self,
        told: list[tuple[Frame, list[int], int, bool]],
        holds: dict[str, list[int]],
    ) -> None:
        """Take up what a former scribe left."""
        self._holds = holds
        for info, fds, exited_ns, drained in told:
            task = Task(self, info, fds, fresh=False)
            self._tasks[task.key] = task
            if drained:
                task.exited = task.drained = True
                task.exited_ns = exited_ns
                self.end_hub(self.hub(task.key))
                task.hub = None
        guard(self._recover)
        for info, _, exited_ns, drained in told:
            task = self._tasks[info["id"], info["exec_id"]]
            if info.get("stdin_noted"):
                task.close_stdin()
            if exited_ns and not drained:
                task.exit(exited_ns)

    def _recover(self) -> None:
        step, slot = self.ledger.state
        if not step:
            return
        for task in self._tasks.values():
            for stream in task.streams:
                if stream.recorder is not None and stream.recorder.slot == slot:
                    stream.recorder.recover()
                    return
        self.ledger.abandon()

    def run(self) -> None:
        """What has just woken goes first, then one of those that have more: a flood of some does
        not delay the others by more than a turn.
        """
        allocator.keep(_KEPT)
        going: list[Turn] = []
        busy = 0
        while not self._stop:
            self.poller.run_once(block=not (self._woken or going))
            woken, self._woken = self._woken, []
            for item in woken:
                if self._turn(item):
                    going.append(item)
            if going:
                item = going.pop(0)
                if self._turn(item):
                    going.append(item)
                busy += 1
            elif busy > _BUSY:
                busy = 0
                self.poller.after(_IDLE, "trim", allocator.trim)

    def _turn(self, item: Turn) -> bool:
        try:
            return item.turn()
        except Exception:  # a bug: no half turn may block the others
            report()
            guard(self.ledger.abandon)
            return False

    def schedule(self, item: Turn) -> None:
        self._woken.append(item)

    # connections

    def _accept(self, _events: int) -> None:
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return
        sock = _socket.socket(fileno=fd)
        credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        if struct.unpack("3i", credentials)[1] not in (0, os.geteuid()):
            sock.close()
            return
        self._connections.add(Connection(self.poller, sock, self._on_frame, self._on_close))

    def _on_close(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection is self._keeper:
            self._keeper = None
            for task in self._tasks.values():
                if not task.exited and task.pidfd >= 0:
                    self._watch(task)

    def _watch(self, task: Task) -> None:
        """Nobody else sees it end now."""
        self.poller.add(task.pidfd, READ | EDGE, lambda _events: task.exit(time_ns()))

    def tell_keeper(self, task: Task, event: str) -> None:
        if self._keeper is not None:
            self._keeper.send({"event": event, "id": task.key[0], "exec_id": task.key[1]})

    def tell_daemons(self, frame: Frame) -> None:
        for connection in tuple(self._connections):
            connection.send(frame)

    def _on_frame(self, connection: Connection, frame: Frame, fds: list[int]) -> None:
        operation = str(frame.get("op"))
        if connection is self._keeper:
            action = getattr(self, f"_keeper_{operation}", None)
            if action is None:
                frames.close_all(fds)
            else:
                action(frame, fds)
            return
        try:
            action = getattr(self, f"_daemon_{operation}", None)
            if action is None:
                frames.close_all(fds)
                raise ValueError(f"unknown operation {operation!r}")
            answer = {"ok": action(connection, frame, fds)}
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            number = error.errno if isinstance(error, OSError) else 0
            answer = {"error": (type(error).__name__, number or 0, str(error))}
        if "seq" in frame and connection is not self._keeper:  # which an adoption made it
            answer["seq"] = frame["seq"]
            connection.send(answer)

    # what the keeper tells

    def _keeper_add(self, frame: Frame, fds: list[int]) -> None:
        info = frame["info"]
        key = (info["id"], info["exec_id"])
        old = self._tasks.pop(key, None)
        if old is not None:
            old.remove()
        self._tasks[key] = Task(self, info, fds, fresh=True)

    def _task(self, frame: Frame) -> Task | None:
        return self._tasks.get((frame["id"], frame["exec_id"]))

    def _keeper_exited(self, frame: Frame, _fds: list[int]) -> None:
        task = self._task(frame)
        if task is not None:
            task.exit(frame["exited_ns"])

    def _keeper_remove(self, frame: Frame, _fds: list[int]) -> None:
        task = self._tasks.pop((frame["id"], frame["exec_id"]), None)
        if task is not None:
            task.remove()

    def _keeper_close_stdin(self, frame: Frame, _fds: list[int]) -> None:
        task = self._task(frame)
        if task is not None:
            task.close_stdin()

    def _keeper_hold(self, frame: Frame, fds: list[int]) -> None:
        self._holds.setdefault(frame["id"], []).extend(fds)

    def _keeper_release(self, frame: Frame, _fds: list[int]) -> None:
        frames.close_all(self._holds.pop(frame["id"], []))

    def _keeper_shutdown(self, _frame: Frame, _fds: list[int]) -> None:
        self._stop = True

    # what daemons ask

    def _daemon_attach(self, _connection: Connection, frame: Frame, fds: list[int]) -> None:
        (fd,) = fds
        self.hub((frame["id"], frame["exec_id"])).attach(fd, frame)

    def _daemon_drop(self, _connection: Connection, frame: Frame, fds: list[int]) -> None:
        """Close the clients that wait for a process that will not come."""
        frames.close_all(fds)
        hub = self._hubs.get((frame["id"], frame["exec_id"]))
        if hub is not None and hub.task is None:
            self.end_hub(hub)

    def _daemon_log_reopen(self, _connection: Connection, frame: Frame, fds: list[int]) -> None:
        frames.close_all(fds)
        task = self._tasks.get((frame["id"], ""))
        if task is not None and task.log is not None:
            task.log.reopen()

    def _daemon_stats(self, _connection: Connection, _frame: Frame, fds: list[int]) -> Frame:
        frames.close_all(fds)
        clients = sum(len(hub.clients) for hub in self._hubs.values())
        return {
            "pid": os.getpid(),
            "tasks": len(self._tasks),
            "hubs": len(self._hubs),
            "clients": clients,
            "orphans": len(self.orphans),
            "keeper": self._keeper is not None,
        }

    def _daemon_adopt(self, connection: Connection, _frame: Frame, fds: list[int]) -> None:
        """A new keeper takes over: everything goes to it, one frame each, then the ledger."""
        frames.close_all(fds)
        if self._keeper is not None:
            self._keeper.look()
        if self._keeper is not None:
            raise ValueError("the keeper lives")
        self._connections.discard(connection)
        self._keeper = connection
        for task in self._tasks.values():
            if not task.exited and task.pidfd >= 0:
                self.poller.remove(task.pidfd)
            state = {"exited_ns": task.exited_ns, "drained": task.drained}
            connection.send({"task": task.info, **state}, task.fds())
        for id, held in self._holds.items():
            for at in range(0, len(held), frames.MOST_FDS):
                connection.send({"hold": id}, held[at : at + frames.MOST_FDS])
        connection.send(
            {"pid": os.getpid(), "end": True}, [self._listener.fileno(), *self.ledger.fds()]
        )

    # hubs

    def hub(self, key: Key) -> Hub:
        found = self._hubs.get(key)
        if found is None:
            found = self._hubs[key] = Hub(self, key)
        return found

    def end_hub(self, hub: Hub) -> None:
        if self._hubs.get(hub.key) is hub:
            del self._hubs[hub.key]
        hub.finish()

    def hub_left(self, hub: Hub) -> None:
        """A client left: a hub that nobody waits in goes."""
        if hub.task is None and not hub.clients and self._hubs.get(hub.key) is hub:
            del self._hubs[hub.key]
