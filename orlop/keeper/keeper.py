"""The noun: what the keeper holds, and its loop."""

from __future__ import annotations

import _socket
import os
import struct

from orlop.keeper import operations, reap
from orlop.keeper.failure import Refused
from orlop.keeper.scribes import ScribeLink
from orlop.keeper.task import EXITED, RUNNING, Task
from orlop.scribe import frames
from orlop.scribe.connection import Connection
from orlop.scribe.ledger import SLOTS
from orlop.scribe.poller import READ, Poller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Frame = dict[str, Any]
    Key = tuple[str, str]

VERSION = 1
_SWEEP = 1.0


class Keeper:
    """`begin_container(plan, stdio, joins)` and `begin_exec(plan, pid, pidfd, stdio)` clone and
    return a Pending; `run_ops(ops, pid, netns)` configures networks.
    """

    def __init__(
        self,
        exec_root: str,
        begin_container: Callable[..., Any],
        begin_exec: Callable[..., Any],
        run_ops: Callable[..., None],
    ) -> None:
        self.exec_root = exec_root
        self.begin_container = begin_container
        self.begin_exec = begin_exec
        self.run_ops = run_ops
        self.poller = Poller()
        self.tasks: dict[Key, Task] = {}
        self.holds: dict[str, list[int]] = {}  # bound sockets of published ports, by container
        self.scribe = ScribeLink(self, 0)
        self.connections: set[Connection] = set()
        self.stopping = False
        self.reexec: Callable[[], None] | None = None  # set by `main`
        self.forget_signals: Callable[[], None] = lambda: None
        self.listener: _socket.socket | None = None
        self._free: list[int] = []
        self._slots = 0

    # the loop

    def listen(self, listener: _socket.socket | None = None) -> None:
        self.listener = listener or frames.listen(f"{self.exec_root}/keeper.sock")
        self.poller.add(self.listener.fileno(), READ, self._accept)

    def run(self) -> None:
        while not self.stopping:
            self.poller.run_once()

    def _accept(self, _events: int) -> None:
        assert self.listener is not None
        try:
            fd, _ = self.listener._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return
        sock = _socket.socket(fileno=fd)
        credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        if struct.unpack("3i", credentials)[1] not in (0, os.geteuid()):
            sock.close()
            return
        self.connect(sock)

    def connect(self, sock: _socket.socket) -> None:
        self.connections.add(Connection(self.poller, sock, self._on_frame, self._on_close))

    def _on_close(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def push(self, event: Frame) -> None:
        """Tell every daemon."""
        for connection in tuple(self.connections):
            connection.send(event)

    def _on_frame(self, connection: Connection, frame: Frame, fds: list[int]) -> None:
        """A request: answered now, or later by the operation (which then returns None)."""
        seq = frame.get("seq")

        def answer(reply: Frame, reply_fds: list[int]) -> None:
            connection.send({**reply, "seq": seq}, reply_fds)

        try:
            reply = operations.perform(self, connection, frame, fds, answer)
        except Refused as refused:
            reply = refused.frame()
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            words = (error.strerror or str(error)).lower()
            reply = Refused("SystemFailure", where + words, error.errno or 0).frame()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            text = f"malformed request: {type(error).__name__}: {error}"
            reply = Refused("InvalidArgument", text).frame()
        if reply is not None:
            answer(reply, [])

    # the scribe

    def on_scribe_frame(self, _connection: Connection, frame: Frame, fds: list[int]) -> None:
        frames.close_all(fds)
        task = self.tasks.get((frame["id"], frame["exec_id"]))
        if task is None:
            return
        event = frame["event"]
        if event == "drained":
            reap.drained(self, task)
        elif event == "stdin_closed":
            task.close("i")
        elif event == "stdin_noted":
            task.stdin_noted = True

    def give_slots(self, task: Task) -> None:
        """Places in the ledger for what is logged."""
        log = task.detail("log")
        if not log or log.get("driver") not in ("json-file", "local"):
            return
        wanted = 1 if "m" in task.fds else 2
        slots = []
        for _ in range(wanted):
            if self._free:
                slots.append(self._free.pop())
            elif self._slots < SLOTS:
                slots.append(self._slots)
                self._slots += 1
            else:
                raise Refused("SystemFailure", f"more than {SLOTS} logged streams")
        task.slots = (slots[0], slots[-1] if wanted == 2 else -1)

    def free_slots(self, task: Task) -> None:
        self._free += [slot for slot in task.slots if slot >= 0]
        task.slots = (-1, -1)

    def count_slots(self) -> None:
        """After tasks came from elsewhere: which slots are taken."""
        taken = {slot for task in self.tasks.values() for slot in task.slots if slot >= 0}
        self._slots = max(taken, default=-1) + 1
        self._free = [slot for slot in range(self._slots) if slot not in taken]

    # what is held

    def pidfds(self, ids: Iterable[str]) -> dict[str, int]:
        """Of those containers that run, for a launch that joins their namespaces."""
        found = {id: self.tasks.get((id, "")) for id in ids}
        return {
            id: task.pidfd
            for id, task in found.items()
            if task is not None and task.state == RUNNING
        }

    def hold(self, id: str, fds: list[int]) -> None:
        self.holds.setdefault(id, []).extend(fds)
        self.scribe.send({"op": "hold", "id": id}, fds)

    def release(self, id: str) -> None:
        held = self.holds.pop(id, None)
        if held:
            frames.close_all(held)
            self.scribe.send({"op": "release", "id": id})

    # children that are nobody's

    def children_changed(self) -> None:
        """SIGCHLD: tasks are seen by pidfd; orphans of ours are swept later, all at once."""
        self.poller.after(_SWEEP, "sweep", self._sweep)

    def _sweep(self) -> None:
        if any(task.starting is not None for task in self.tasks.values()):
            self.children_changed()  # a launch has children we do not know yet
            return
        known = {task.pid for task in self.tasks.values() if task.ours and task.state != EXITED}
        known.add(self.scribe.pid)
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            if found.si_pid in known:
                self.children_changed()  # its pidfd is readable: the loop comes to it first
                return
            os.waitpid(found.si_pid, os.WNOHANG)
