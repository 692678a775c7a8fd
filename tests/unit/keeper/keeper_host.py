"""A keeper of the test's own, with plain host processes in place of containers."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.keeper.client import Keeper
from orlop.scribe import readlog

LAUNCHER = Path(__file__).with_name("fake_launcher.py")
COMMAND = [os.path.realpath(sys.executable), "-I", "-S", str(LAUNCHER)]
PATIENCE = 20.0

Json = dict[str, Any]


class Host:
    """A client with a keeper, and what it heard."""

    def __init__(self) -> None:
        self.root = tempfile.mkdtemp(prefix="orlop-keeper-", dir="/tmp")
        self.news = threading.Condition()
        self.exits: dict[tuple[str, str], int | None] = {}
        self.detached: list[tuple[str, str]] = []
        self.restarts = 0
        self.sockets: list[socket.socket] = []
        self.client = self.connect()

    def connect(self) -> Keeper:
        client = Keeper(self.root, command=COMMAND)
        client.on_exit = self._exited
        client.on_detach = lambda id, exec_id: self._tell(self.detached.append, (id, exec_id))
        client.on_restart = lambda _: self._tell(self._restarted, None)
        client.ensure()
        self.client = client
        return client

    def _exited(self, id: str, exec_id: str, status: int | None, _time: int) -> None:
        with self.news:
            assert (id, exec_id) not in self.exits, "reported twice"
            self.exits[id, exec_id] = status
            self.news.notify_all()

    def _restarted(self, _: object) -> None:
        self.restarts += 1

    def _tell(self, change: Callable[[Any], object], value: object) -> None:
        with self.news:
            change(value)
            self.news.notify_all()

    def wait(self, condition: Callable[[], object]) -> None:
        with self.news:
            assert self.news.wait_for(condition, PATIENCE), self.complaint()

    def exit_of(self, id: str, exec_id: str = "") -> int | None:
        self.wait(lambda: (id, exec_id) in self.exits)
        return self.exits[id, exec_id]

    def log_path(self, id: str) -> str:
        return f"{self.root}/{id}-json.log"

    def log(self, id: str) -> bytes:
        return b"".join(line for _, _, line, _ in readlog.read(self.log_path(id)))

    def spawn(self, id: str, *argv: str, **options: Any) -> tuple[int, int]:
        log = {"driver": "json-file", "path": self.log_path(id), **options.pop("log", {})}
        plan, stdio = plan_of(argv, options)
        return self.client.spawn(id, plan, stdio, log, **options)

    def exec(self, id: str, exec_id: str, *argv: str, **options: Any) -> tuple[int, int]:
        plan, stdio = plan_of(argv, options)
        return self.client.exec(id, exec_id, plan, stdio)

    def attach(self, id: str, exec_id: str = "", **options: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.sockets.append(ours)
        ours.settimeout(PATIENCE)
        with theirs:
            chosen = {"stdout": True, "stderr": True, "mux": True, **options}
            self.client.attach(id, exec_id, theirs.fileno(), **chosen)
        return ours

    def pid_of(self, name: str) -> int:
        return int(Path(self.root, f"{name}.pid").read_text())

    def alive(self, name: str) -> int:
        """A pidfd of keeper or scribe, once the pid file names a living one."""
        for _ in range(10000):
            try:
                return os.pidfd_open(self.pid_of(name))
            except ProcessLookupError:
                select.select([], [], [], 0.002)
        raise AssertionError(self.complaint())

    def kill(self, name: str) -> None:
        """kill -9 and wait for the death."""
        pidfd = self.alive(name)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert select.select([pidfd], [], [], PATIENCE)[0]
        os.close(pidfd)

    def complaint(self) -> str:
        return Path(self.root, "keeper.log").read_text()

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        try:
            self.client.ensure()
            self.client.shutdown(force=True)
            with self.news:
                pass
        finally:
            self.client.close()
        complaint = self.complaint()
        shutil.rmtree(self.root, ignore_errors=True)
        assert complaint == "", complaint


def plan_of(argv: tuple[str, ...], options: Json) -> tuple[Json, Json]:
    tty = options.pop("tty", False)
    plan = {
        "process": {"argv": list(argv), "uid": 0, "gid": 0},
        "terminal": tty,
        "fail": options.pop("fail", None),
        "cgroup_directories": [],
    }
    names = ("open_stdin", "stdin_once", "rows", "cols", "detached")
    stdio = {"tty": tty, **{n: options.pop(n) for n in names if n in options}}
    return plan, stdio


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def read_until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    try:
        yield made
    finally:
        made.close()
