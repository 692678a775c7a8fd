"""kill -9 of daemon, scribe or keeper under twenty containers that write numbered lines."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]
COUNT, LINES = 20, 400
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
    version = tuple(int(p) for p in os.uname().release.split(".")[:2])
    if version >= (6, 15):
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
