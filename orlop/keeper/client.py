"""The daemon's side: start a keeper, ask it things from any thread, hear what it tells.

Threaded and synchronous. One thread reads each of the two connections (keeper, scribe); callbacks
run one after another on a third, so they may call back in here. When the keeper dies another is
started, which takes everything back from the scribe; what was asked meanwhile fails.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from orlop.errors import NotFound, OrlopError, Unavailable
from orlop.keeper import VERSION, release
from orlop.keeper.link import Link, Lost, Reply
from orlop.keeper.mourning import await_end
from orlop.keeper.replies import drop, value
from orlop.keeper.starter import Starter
from orlop.kernel import pidfd as pidfds

Frame = dict[str, Any]
Key = tuple[str, str]


class Keeper:
    """`on_exit(id, exec_id, status, exited_ns)`: raw wait status, None when nobody saw the end.

    `on_detach(id, exec_id)`: a client typed its detach keys. `on_restart(tasks)`: another keeper
    took over, here is its snapshot (exits in it were or are reported by `on_exit`).
    """

    def __init__(self, exec_root: str | os.PathLike[str], *, command: Sequence[str] = ()) -> None:
        """`command`: how to run the launcher, for tests; the exec root and an fd are appended."""
        self.exec_root = os.fspath(exec_root)
        self.on_exit: Callable[[str, str, int | None, int], None] = lambda *_: None
        self.on_detach: Callable[[str, str], None] = lambda *_: None
        self.on_restart: Callable[[list[Frame]], None] = lambda _: None
        self._starter = Starter(self.exec_root, command)
        self._lock = threading.Lock()  # one ensure at a time
        self._keeper: Link | None = None
        self._scribe: Link | None = None
        self._closed = False
        self._ending = False
        self._known: dict[Key, int] = {}  # processes not yet reported as ended -> their pidfd
        self._facts: dict[Key, Frame] = {}  # what a keeper that lost them needs to know of those
        self._unwanted: set[Key] = set()  # to be forgotten when they end
        self._unsure: set[Key] = set()  # their start was under way when the keeper died
        self._told: set[Key] = set()  # reported, not yet forgotten
        self._guard = threading.Lock()  # of the five above
        self._recovered: Link | None = None  # the connection all that was known is checked with
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._caller: threading.Thread | None = None
        self._renewed = threading.Event()  # the keeper executed itself anew
        self._release = release()
        self._same = False  # the keeper was asked which code it runs

    # connection

    def ensure(self) -> list[Frame]:
        """Have a keeper: connect to the one that runs, or start one. Returns the snapshot.

        Exits that happened before are in the snapshot, `on_exit` is not called for those.
        """
        with self._lock:
            for attempt in range(_ATTEMPTS):
                try:
                    if self._keeper is not None and self._keeper.alive:
                        return self._snapshot_of(self._keeper)
                    return self._connect()
                except Lost as error:  # killed just now: the next one is started
                    if attempt == _ATTEMPTS - 1:
                        raise Unavailable(f"keeper: {error}") from None
            raise AssertionError("unreachable")

    def _connect(self) -> list[Frame]:
        if self._closed:
            raise Unavailable("the keeper's client is closed")
        if self._caller is None:
            self._caller = threading.Thread(
                target=self._run_calls, name="keeper-calls", daemon=True
            )
            self._caller.start()
        sock = self._starter.connect()
        self._ending = False
        self._keeper = Link(sock, "keeper", self._event, self._hung_up)
        if self._recovered is None:
            self._recovered = self._keeper
        return self._snapshot_of(self._keeper)

    def _snapshot_of(self, link: Link) -> list[Frame]:
        reply, fds, answers = self._greet(link)
        if not self._same and reply.get("ok", {}).get("release") != self._release:
            # Of other code than we: it goes on as ours. Once, for it may be kept elsewhere.
            drop(reply, answers)
            self._renew(link)
            reply, fds, answers = self._greet(link)
        self._same = True
        tasks: list[Frame] = value(reply, fds)["tasks"]
        by_key = {(task["id"], task["exec_id"]): task for task in tasks}
        for reply, fds in answers:
            if reply["pidfd"] is None:
                break
            key = tuple(reply["pidfd"])
            if by_key[key]["state"] == "exited":
                os.close(fds[0])
            else:
                self._note(key, fds[0], by_key[key])
        return tasks

    def _greet(self, link: Link) -> tuple[Frame, list[int], Iterator[Reply]]:
        answers = link.stream({"op": "hello", "version": VERSION})
        reply, fds = next(answers)
        return reply, fds, answers

    def _renew(self, link: Link) -> None:
        """Let the keeper execute itself anew; what it holds, it keeps."""
        self._renewed.clear()
        reply, fds = link.ask({"op": "reexec"})
        value(reply, fds)
        self._renewed.wait(_PATIENCE)

    @contextmanager
    def holding_calls(self) -> Iterator[None]:
        """What comes unasked waits meanwhile: who looks at a snapshot must not hear of an exit that
        is younger, or would take the process for alive again."""
        done = threading.Event()

        def wait() -> None:
            done.wait()

        self._calls.put(wait)
        try:
            yield
        finally:
            done.set()

    def snapshot(self) -> list[Frame]:
        """Every process the keeper has: id, exec_id, pid, started_ns, state, status, …"""
        return self.ensure()

    def close(self) -> None:
        """Hang up; keeper and scribe go on."""
        with self._lock:
            self._closed = True
            links = [link for link in (self._keeper, self._scribe) if link is not None]
            caller = self._caller
        for link in links:
            link.close()
        self._calls.put(None)
        if caller is not None and caller is not threading.current_thread():
            caller.join(10)
        with self._guard:
            for fd in self._known.values():
                os.close(fd)
            self._known.clear()

    def _link(self) -> Link:
        link = self._keeper
        if link is None or not link.alive:
            self.ensure()
            link = self._keeper
        assert link is not None
        return link

    def _scribe_link(self) -> Link:
        with self._lock:
            if self._scribe is None or not self._scribe.alive:
                sock = self._starter.connect_scribe()
                self._scribe = Link(sock, "scribe", self._event, lambda _link: None)
            return self._scribe

    # what comes unasked

    def _event(self, frame: Frame) -> None:
        """On a reader's thread."""
        event = frame.get("event")
        if event == "exit":
            key = (frame["id"], frame["exec_id"])
            status, exited_ns = frame["status"], frame["exited_ns"]
            self._calls.put(lambda: self._report(key, status, exited_ns))
        elif event == "reexec":
            self._renewed.set()
        elif event == "detach":
            self._calls.put(lambda: self.on_detach(frame["id"], frame["exec_id"]))

    def _report(self, key: Key, status: int | None, exited_ns: int) -> None:
        with self._guard:
            if key in self._told:
                return
            self._told.add(key)
            fd = self._known.pop(key, -1)
            self._facts.pop(key, None)
            unwanted = key in self._unwanted
            self._unwanted.discard(key)
        if fd >= 0:
            os.close(fd)
        if unwanted:
            self.forget(*key)
            return
        self.on_exit(key[0], key[1], status, exited_ns)

    def _run_calls(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                return
            try:
                call()
            except Exception:  # a callback's bug must not end the reports of all others
                import logging

                logging.getLogger(__name__).exception("a keeper callback failed")

    def _hung_up(self, link: Link) -> None:
        if not self._closed:
            self._calls.put(self._recover)

    def _recover(self) -> None:
        """The keeper died. Its successor knows all, or what it does not know has ended."""
        if self._closed or self._ending:
            return
        tasks = self.ensure()
        if self._keeper is self._recovered:
            return
        self._recovered = self._keeper
        tasks = self._without_unsure(tasks)
        found = {(task["id"], task["exec_id"]) for task in tasks}
        self.on_restart(tasks)
        for task in tasks:
            if task["state"] == "exited":
                self._report((task["id"], task["exec_id"]), task["status"], task["exited_ns"])
        with self._guard:
            lost = [(key, os.dup(fd)) for key, fd in self._known.items() if key not in found]
        for key, fd in lost:
            threading.Thread(target=self._give_back, args=(key, fd), daemon=True).start()

    def _without_unsure(self, tasks: list[Frame]) -> list[Frame]:
        """End what was started for a call that has failed since."""
        with self._guard:
            unsure, self._unsure = self._unsure, set()
        rest = []
        for task in tasks:
            key = (task["id"], task["exec_id"])
            if key not in unsure:
                rest.append(task)
                continue
            with self._guard:
                self._unwanted.add(key)
            if task["state"] == "exited":
                self._report(key, task["status"], task["exited_ns"])
            else:
                self.signal(*key, _SIGKILL)
        return rest

    def _give_back(self, key: Key, fd: int) -> None:
        """Keeper and scribe died together: we alone hold this process."""
        try:
            try:
                with self._guard:
                    facts = self._facts.get(key, {})
                self._insist({**facts, "op": "adopt"}, (fd,))
                return
            except OrlopError:
                pass  # its FIFOs are gone: what is left is to see it end
            status = await_end(fd)
        finally:
            os.close(fd)
        self._calls.put(lambda: self._report(key, status, time.time_ns()))

    def _note(self, key: Key, fd: int, facts: Frame) -> None:
        with self._guard:
            old = self._known.pop(key, -1)
            self._told.discard(key)
            self._known[key] = fd
            names = ("id", "exec_id", "pid", "started_ns", "tty", "log", "cgroups")
            self._facts[key] = {name: facts.get(name) for name in names}
        if old >= 0:
            os.close(old)

    # requests

    def call(self, frame: Frame, fds: Iterable[int] = ()) -> Any:
        """Ask and wait. Raises an OrlopError: a kind, or LaunchFailed."""
        try:
            return value(*self._link().ask(frame, tuple(fds)))
        except Lost as error:
            raise Unavailable(f"keeper: {error}") from None

    def _insist(self, frame: Frame, fds: Iterable[int] = ()) -> None:
        """`call` for what may be asked twice: should the keeper die, its successor hears it."""
        for attempt in range(_ATTEMPTS):
            try:
                self.call(frame, fds)
                return
            except Unavailable:
                if attempt == _ATTEMPTS - 1 or self._closed:
                    raise

    def spawn(
        self,
        id: str,
        plan: Frame,
        stdio: Frame,
        log: Frame,
        host_ops: Sequence[Any] = (),
        fds: Sequence[int] = (),
    ) -> tuple[int, int]:
        """Start a container: (pid, started_ns) once its program runs. `fds` stay the caller's."""
        for at in range(_MOST, len(fds), _MOST):
            self.call({"op": "hold", "id": id}, fds[at : at + _MOST])
        request = {"op": "spawn", "id": id, "plan": plan, "stdio": stdio, "log": log}
        return self._start(request, host_ops, fds[:_MOST])

    def exec(self, id: str, exec_id: str, plan: Frame, stdio: Frame) -> tuple[int, int]:
        """Start a process in a container: (pid, started_ns)."""
        request = {"op": "exec", "id": id, "exec_id": exec_id, "plan": plan, "stdio": stdio}
        return self._start(request, (), ())

    def _start(
        self, request: Frame, host_ops: Sequence[Any], fds: Sequence[int]
    ) -> tuple[int, int]:
        key = (request["id"], request.get("exec_id", ""))
        with self._guard:
            self._told.discard(key)
        facts = {
            "id": key[0],
            "exec_id": key[1],
            "tty": bool(request["stdio"].get("tty")),
            "log": request.get("log"),
            "cgroups": request["plan"].get("cgroup_directories") or [],
        }
        request["host_ops"] = list(host_ops)
        try:
            reply, answered = self._link().ask(
                request,
                tuple(fds),
                lambda fd, reply: self._note(key, fd, {**facts, **reply["ok"]}),
            )
        except Lost as error:
            with self._guard:
                self._unsure.add(key)
            raise Unavailable(f"keeper: {error}") from None
        started = value(reply, answered)
        return started["pid"], started["started_ns"]

    def take_back(self, facts: Frame, fd: int) -> None:
        """Have a process that keeper and scribe lost; `fd`, its pidfd, is consumed.

        `facts`: id, exec_id, pid, started_ns, tty, log, cgroups, as it was started with.
        """
        try:
            self.call({**facts, "op": "adopt"}, (fd,))
        except BaseException:
            os.close(fd)
            raise
        self._note((facts["id"], facts["exec_id"]), fd, facts)

    def signal(self, id: str, exec_id: str, signo: int, *, all: bool = False) -> None:
        """Raises NotFound when the process is gone."""
        number = int(signo)  # marshal takes no enumeration
        try:
            self.call({"op": "signal", "id": id, "exec_id": exec_id, "signo": number, "all": all})
        except (NotFound, Unavailable):
            # A keeper that died in between, or could not be given it back: we hold it, too.
            if all or not self._send(id, exec_id, number):
                raise

    def _send(self, id: str, exec_id: str, number: int) -> bool:
        with self._guard:
            fd = self._known.get((id, exec_id))
            if fd is None or pidfds.has_ended(fd):
                return False
            pidfds.send_signal(fd, number)
        return True

    def resize(self, id: str, exec_id: str, rows: int, columns: int) -> None:
        self.call({"op": "resize", "id": id, "exec_id": exec_id, "rows": rows, "cols": columns})

    def close_stdin(self, id: str, exec_id: str) -> None:
        self.call({"op": "close_stdin", "id": id, "exec_id": exec_id})

    def forget(self, id: str, exec_id: str) -> None:
        """The exit is recorded; a container's execs are forgotten with it. Idempotent."""
        self._insist({"op": "forget", "id": id, "exec_id": exec_id})
        with self._guard:
            if exec_id:
                self._told.discard((id, exec_id))
            else:
                self._told = {key for key in self._told if key[0] != id}

    def log_reopen(self, id: str) -> None:
        """Somebody renamed the log: go on in a new file at its path."""
        self._ask_scribe({"op": "log_reopen", "id": id})

    def netops(self, id: str, host_ops: Sequence[Any], container_ops: Sequence[Any]) -> None:
        """Run network steps for a container that runs."""
        self.call(
            {
                "op": "netops",
                "id": id,
                "host_ops": list(host_ops),
                "container_ops": list(container_ops),
            }
        )

    def user_namespace(self, uids: Sequence[Any], gids: Sequence[Any]) -> int:
        """The fd of a user namespace with these mappings, for idmapped mounts; the caller's."""
        request = {"op": "user_namespace", "uids": list(uids), "gids": list(gids)}
        taken: list[int] = []
        try:
            reply = self._link().ask(request, (), lambda fd, _reply: taken.append(fd))
        except Lost as error:
            raise Unavailable(f"keeper: {error}") from None
        value(*reply)
        return taken[0]

    def hold(self, id: str, fds: Sequence[int]) -> None:
        """Keep bound sockets for a container."""
        for at in range(0, len(fds), _MOST):
            self.call({"op": "hold", "id": id}, fds[at : at + _MOST])

    def release(self, id: str) -> None:
        self.call({"op": "release", "id": id})

    def reexec(self) -> None:
        """Have the keeper become what is installed now."""
        self.call({"op": "reexec"})

    def shutdown(self, *, force: bool = False) -> bool:
        """End keeper and scribe, and see it end: whoever comes next finds none that is leaving.

        False: there was none to end; none is started for that. Raises Conflict while it has
        processes, unless `force` kills them.
        """
        link = self._keeper
        if link is None or not link.alive:
            return False
        self._ending = True  # its end is no death to recover from
        try:
            value(*link.ask({"op": "shutdown", "force": force}))
        except Lost as error:
            self._ending = False
            raise Unavailable(f"keeper: {error}") from None
        except BaseException:
            self._ending = False
            raise
        link.await_end()
        return True

    def is_alive(self, id: str, exec_id: str = "") -> bool:
        """Now, whatever has been reported yet."""
        with self._guard:
            fd = self._known.get((id, exec_id))
            return fd is not None and not pidfds.has_ended(fd)

    # the scribe

    def attach(self, id: str, exec_id: str, fd: int, **options: Any) -> None:
        """Hand a client's stream to the scribe; `fd` stays the caller's, to be closed.

        Options: stdin, stdout, stderr, mux, stdin_once (bool), detach_keys, leftover (bytes).
        """
        self._ask_scribe({"op": "attach", "id": id, "exec_id": exec_id, **options}, (fd,))

    def drop(self, id: str, exec_id: str) -> None:
        """Close the clients that wait for a process that will not come."""
        self._ask_scribe({"op": "drop", "id": id, "exec_id": exec_id})

    def scribe_stats(self) -> Frame:
        stats: Frame = self._ask_scribe({"op": "stats"})
        return stats

    def _ask_scribe(self, frame: Frame, fds: tuple[int, ...] = ()) -> Any:
        for attempt in (1, 2):  # it may just have been forked anew
            try:
                return value(*self._scribe_link().ask(frame, fds))
            except Lost as error:
                if attempt == 2:
                    raise Unavailable(f"scribe: {error}") from None
        raise AssertionError("unreachable")


_MOST = 240  # fds in one message
_ATTEMPTS = 3
_PATIENCE = 10.0  # seconds
_SIGKILL = 9
