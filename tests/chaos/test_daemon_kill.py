"""kill -9 of daemon, scribe and keeper, one or all, under containers that write numbered lines."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]
COUNT, LINES = 20, 400
TOLD = "trap 'echo told; exit 7' USR1; i=0; while :; do echo $i; i=$((i+1)); usleep 5000; done"
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])
EXITS_ARE_KEPT = KERNEL >= (6, 15)  # a pidfd tells how its process ended
WRITER = f"i=0; while [ $i -lt {LINES} ]; do echo $i; i=$((i+1)); usleep 10000; done; exit 7"


def start(daemon: Daemon) -> list[str]:
    ids = [
        daemon.docker("run", "-d", "busybox", "sh", "-c", WRITER).stdout.strip()
        for _ in range(COUNT)
    ]
    # the first has written its first line: all are at work
    follow = subprocess.Popen(
        ["docker", "logs", "-f", ids[0]],
        stdout=subprocess.PIPE,
        env={**os.environ, **daemon.environment},
    )
    with follow:
        assert follow.stdout
        assert follow.stdout.readline() == b"0\n"
        follow.kill()
    return ids


def check(daemon: Daemon, ids: list[str]) -> None:
    codes = daemon.docker("wait", *ids, timeout=120).stdout.split()
    assert codes == ["7"] * COUNT
    wanted = [str(n) for n in range(LINES)]
    for id in ids:
        assert daemon.docker("logs", id).stdout.split() == wanted


def test_daemon(own_orlopd: Daemon) -> None:
    ids = start(own_orlopd)
    own_orlopd.kill()
    own_orlopd.start()
    assert own_orlopd.docker("exec", ids[-1], "echo", "still here").stdout == "still here\n"
    check(own_orlopd, ids)


def test_scribe(own_orlopd: Daemon) -> None:
    ids = start(own_orlopd)
    os.kill(own_orlopd.pid("scribe-0"), signal.SIGKILL)
    check(own_orlopd, ids)


def test_keeper(own_orlopd: Daemon) -> None:
    """Exit codes by PIDFD_GET_INFO on kernels from 6.15; never 0 where they cannot be known."""
    ids = start(own_orlopd)
    os.kill(own_orlopd.pid("keeper"), signal.SIGKILL)
    if EXITS_ARE_KEPT:
        check(own_orlopd, ids)
    else:
        codes = own_orlopd.docker("wait", *ids, timeout=120).stdout.split()
        assert set(codes) <= {"7", "255"}
    assert own_orlopd.docker("run", "--rm", "busybox", "echo", "next").stdout == "next\n"


def test_daemon_after_the_exits(own_orlopd: Daemon) -> None:
    """What ended while nobody looked has its exit code all the same."""
    ids = start(own_orlopd)
    own_orlopd.kill()
    for id in ids:
        own_orlopd.wait_for_end(id)
    own_orlopd.start()
    check(own_orlopd, ids)


@pytest.mark.skipif(not EXITS_ARE_KEPT, reason="exit codes need PIDFD_GET_INFO of Linux 6.15")
@pytest.mark.parametrize("daemon_too", [False, True], ids=["daemon-lives", "daemon-too"])
def test_all_helpers_at_once(own_orlopd: Daemon, daemon_too: bool) -> None:
    """Nobody is left who holds the containers: found by their records, they go on unharmed."""
    daemon = own_orlopd
    published = ["-p", "127.0.0.1::80", "busybox", "httpd", "-f", "-p", "80", "-h", "/etc"]
    web = daemon.docker("run", "-d", "--restart=always", *published).stdout.strip()
    writers = [
        daemon.docker("run", "-d", *policy, "busybox", "sh", "-c", TOLD).stdout.strip()
        for policy in ([], [], ["--restart=on-failure"])
    ]
    asking = daemon.docker("run", "-di", "busybox", "cat").stdout.strip()
    terminal = daemon.docker("run", "-dt", "busybox", "sleep", "1000").stdout.strip()
    page = _page(daemon, web)
    before = _pids(daemon, web, terminal, *writers)
    helpers = [daemon.pid("keeper"), daemon.pid("scribe-0")]
    for pid in helpers:
        os.kill(pid, signal.SIGKILL)
    if daemon_too:
        daemon.kill()
        daemon.start()
    # the pipe of its standard input had no other end: it has read the end of its input
    assert daemon.docker("wait", asking).stdout in ("0\n", "255\n")
    assert _pids(daemon, web, terminal, *writers) == before
    assert _page(daemon, web) == page
    assert daemon.docker("exec", terminal, "echo", "still here").stdout == "still here\n"
    with _died(daemon, writers[-1]) as died:
        for pid in before[5::2]:  # from outside: who is stopped by us is not restarted
            os.kill(int(pid), signal.SIGUSR1)
        died()
    assert daemon.docker("wait", *writers[:-1]).stdout == "7\n7\n"
    for id in writers[:-1]:
        *numbers, last = daemon.docker("logs", id).stdout.split()
        assert last == "told"
        assert numbers == [str(n) for n in range(len(numbers))]
    daemon.docker("stop", "-t0", web, terminal)
    states = daemon.docker("inspect", "-f", "{{.State.Status}}", web, terminal).stdout.split()
    assert states == ["exited", "exited"]


def _pids(daemon: Daemon, *ids: str) -> list[str]:
    return daemon.docker("inspect", "-f", "{{.State.Running}} {{.State.Pid}}", *ids).stdout.split()


def _page(daemon: Daemon, id: str) -> bytes:
    port = daemon.docker("port", id, "80").stdout.split()[0]
    with urllib.request.urlopen(f"http://{port}/passwd", timeout=10) as answer:
        return bytes(answer.read())


@contextmanager
def _died(daemon: Daemon, id: str) -> Iterator[Callable[[], None]]:
    """A function that waits for its death by code 7 and the start that the policy wants."""
    seen = subprocess.Popen(
        ["docker", "events", "-f", f"container={id}", "--since=0s",
         "--format={{.Action}} {{.Actor.Attributes.exitCode}}"],
        stdout=subprocess.PIPE, env={**os.environ, **daemon.environment}, text=True,
    )  # fmt: skip
    with seen:
        assert seen.stdout

        def wait() -> None:
            assert seen.stdout
            lines = iter(seen.stdout.readline, "")
            assert any(line.split() == ["die", "7"] for line in lines)
            assert any(line.split()[:1] == ["start"] for line in lines)

        yield wait
        seen.kill()
