"""Clients that ask for streams and never read do not hold up the others, nor fill the memory."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root

STALLED = 200
CALLS = 300
SLOWEST = 0.2  # seconds, for 99 of 100 calls
GROWTH = 64 << 20  # bytes over every process of the engine


def stall(daemon: Daemon, request: str) -> socket.socket:
    """Ask for a stream and read its head only, with a small window."""
    sock = socket.socket(socket.AF_UNIX)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(30)
    sock.connect(str(daemon.socket))
    sock.sendall(f"{request} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(1)
    assert b" 200 " in head.split(b"\r\n")[0], head
    return sock


def memory(daemon: Daemon) -> int:
    """PSS of daemon, keeper and scribe."""
    total = 0
    assert daemon.process
    for pid in (daemon.process.pid, daemon.pid("keeper"), daemon.pid("scribe-0")):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


@pytest.fixture
def chatty(own_orlopd: Daemon) -> Iterator[tuple[Daemon, str]]:
    """A container that writes without end, a hundred lines every 10 ms or so."""
    line = "x" * 200
    script = f"while :; do for i in $(seq 100); do echo {line}; done; usleep 10000; done"
    id = own_orlopd.docker(
        "run", "-d", "--log-opt", "max-size=20m", "--log-opt", "max-file=2",
        "busybox", "sh", "-c", script,
    ).stdout.strip()  # fmt: skip
    return own_orlopd, id


def calls(daemon: Daemon, count: int) -> list[float]:
    """Seconds that each of many small calls took, sorted."""
    took = []
    connection = daemon.http()
    for number in range(count):
        path = ("/_ping", "/containers/json", "/containers/json?all=1", "/version")[number % 4]
        begun = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        took.append(time.monotonic() - begun)
    connection.close()
    return sorted(took)


def test_clients_that_do_not_read(chatty: tuple[Daemon, str]) -> None:
    daemon, id = chatty
    calls(daemon, CALLS)  # everything is loaded
    before = memory(daemon)
    requests = (
        f"GET /containers/{id}/logs?stdout=1&follow=1&tail=all",
        f"POST /containers/{id}/attach?stream=1&stdout=1&stderr=1",
        "GET /events?since=1",
    )
    with ExitStack() as stack:
        for number in range(STALLED):
            stack.enter_context(stall(daemon, requests[number % len(requests)]))
        for number in range(20):  # events for those who asked for them
            daemon.docker("volume", "create", f"stall{number}")
            daemon.docker("volume", "rm", f"stall{number}")
        took = calls(daemon, CALLS)
        grown = memory(daemon) - before
        begun = time.monotonic()
        assert daemon.docker("run", "--rm", "busybox", "echo", "hi").stdout == "hi\n"
        run = time.monotonic() - begun
        logs = daemon.docker("logs", "--tail", "1", id).stdout
    p99 = took[int(len(took) * 0.99)]
    print(json.dumps({"p50_ms": took[len(took) // 2] * 1000, "p99_ms": p99 * 1000,
                      "run_ms": run * 1000, "grown_mib": grown / (1 << 20)}))  # fmt: skip
    assert logs.startswith("xxx")
    assert p99 < SLOWEST
    assert grown < GROWTH
    after = calls(daemon, CALLS)
    assert after[int(len(after) * 0.99)] < SLOWEST
