"""After a keeper was killed: what is asked of running containers still works."""

from __future__ import annotations

import os
import select
import signal
import subprocess

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]


def kill_keeper(daemon: Daemon) -> None:
    """And wait for its death."""
    pidfd = os.pidfd_open(daemon.pid("keeper"))
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    assert select.select([pidfd], [], [], 10)[0]
    os.close(pidfd)


def client(daemon: Daemon, *call: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["docker", *call],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **daemon.environment},
    )


def test_everything_works_after_a_keeper_kill(own_orlopd: Daemon) -> None:
    daemon = own_orlopd
    daemon.docker("run", "-di", "--name", "cat", "busybox", "sh", "-c", "cat; exit 4")
    trap = "trap 'exit 9' TERM; echo up; while :; do usleep 5000; done"
    daemon.docker("run", "-d", "--name", "loop", "busybox", "sh", "-c", trap)
    kill_keeper(daemon)
    assert daemon.docker("exec", "loop", "sh", "-c", "echo x; exit 3", check=False).returncode == 3
    with client(daemon, "logs", "-f", "loop") as logs, client(daemon, "attach", "cat") as attached:
        assert logs.stdout
        assert attached.stdin
        assert attached.stdout
        assert logs.stdout.readline() == b"up\n"
        attached.stdin.write(b"hello\n")
        attached.stdin.flush()
        assert attached.stdout.readline() == b"hello\n"
        daemon.docker("stop", "loop")
        assert logs.stdout.read() == b""  # the end of the container ends the stream
        daemon.docker("kill", "cat")
        assert attached.wait(20) == 137
    assert daemon.docker("wait", "loop").stdout == "9\n"
    assert daemon.docker("wait", "cat").stdout == "137\n"
    assert daemon.docker("logs", "cat").stdout == "hello\n"
    assert daemon.docker("run", "--rm", "busybox", "echo", "next").stdout == "next\n"
