"""What clients leave halfway is given back: attaches that drop, terminals that are resized, execs
that write without end."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root
FULL = os.environ.get("ORLOP_CHAOS") == "full"
COUNT = 10_000 if FULL else 150
BYTES = (10 << 30) if FULL else (64 << 20)
SLACK = 3
Held = dict[str, int]


def held(daemon: Daemon) -> Held:
    """Descriptors and threads of the engine's processes."""
    assert daemon.process
    pids = {"daemon": daemon.process.pid, "keeper": daemon.pid("keeper"),
            "scribe": daemon.pid("scribe-0")}  # fmt: skip
    found = {}
    for name, pid in pids.items():
        found[f"{name} fds"] = len(os.listdir(f"/proc/{pid}/fd"))
        found[f"{name} threads"] = len(os.listdir(f"/proc/{pid}/task"))
    return found


def given_back(daemon: Daemon, before: Held) -> None:
    deadline = time.monotonic() + 60
    while True:
        now = held(daemon)
        if all(now[name] <= count + SLACK for name, count in before.items()):
            return
        assert time.monotonic() < deadline, (before, now)
        select.select([], [], [], 0.1)


def ask(daemon: Daemon, method: str, path: str, body: object = None) -> bytes:
    with closing(daemon.http()) as connection:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status < 300, answer.read()
        return answer.read()


def attach(daemon: Daemon, name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(str(daemon.socket))
    sock.sendall(
        f"POST /containers/{name}/attach?stream=1&stdout=1&stdin=1 HTTP/1.1\r\nHost: d\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(1)
    return sock


@pytest.mark.timeout(3600 if FULL else 300)
def test_attaches_that_drop_resizes_and_endless_execs(own_orlopd: Daemon) -> None:
    daemon = own_orlopd
    daemon.docker("run", "-dit", "--name=term", "busybox", "cat")
    attach(daemon, "term").close()
    ask(daemon, "POST", "/containers/term/resize?h=20&w=80")
    before = held(daemon)
    kept = [attach(daemon, "term") for _ in range(30)]
    assert held(daemon)["scribe fds"] > before["scribe fds"] + SLACK  # the control: it is seen
    for sock in kept:
        sock.close()
    for number in range(COUNT):
        attach(daemon, "term").close()
        ask(daemon, "POST", f"/containers/term/resize?h={10 + number % 50}&w=80")
    given_back(daemon, before)
    memory = _memory(daemon)
    made = json.loads(ask(daemon, "POST", "/containers/term/exec", {
        "AttachStdout": True, "Cmd": ["dd", "if=/dev/zero", "bs=64k", f"count={BYTES >> 16}"],
    }))  # fmt: skip
    ask(daemon, "POST", f"/exec/{made['Id']}/start", {"Detach": True})
    deadline = time.monotonic() + (3000 if FULL else 120)
    while json.loads(ask(daemon, "GET", f"/exec/{made['Id']}/json"))["Running"]:
        assert time.monotonic() < deadline
        select.select([], [], [], 0.1)
    given_back(daemon, before)
    assert _memory(daemon) < memory + (32 << 20)
    daemon.docker("rm", "-f", "term")


def _memory(daemon: Daemon) -> int:
    assert daemon.process
    total = 0
    for pid in (daemon.process.pid, daemon.pid("keeper"), daemon.pid("scribe-0")):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
