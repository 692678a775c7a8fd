"""The ways in beside the plain unix socket: passed sockets, several at once, ssh."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import ORLOP, REPO, Daemon

pytestmark = pytest.mark.root

# LISTEN_PID must be the daemon's own: set it, then become it
_BECOME = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
    "os.environ['LISTEN_FDS'] = '1'; os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


@pytest.fixture
def passed(tmp_path: Path) -> Iterator[tuple[Daemon, Path]]:
    """A daemon whose socket was opened by another process, as systemd does it."""
    daemon = Daemon(name="fd")
    path = tmp_path / "activated.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        notify = tmp_path / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            ready.settimeout(30)
            daemon.process = subprocess.Popen(
                [sys.executable, "-c", _BECOME, str(sock.fileno()), "-m", "orlop.daemon",
                 f"--data-root={daemon.data_root}", f"--exec-root={daemon.exec_root}",
                 f"--bridge={daemon.bridge}", f"--bip={daemon.bip}", "--config-file=/dev/null",
                 "-H", "fd://", "-H", f"unix://{daemon.socket}"],
                pass_fds=(sock.fileno(),), cwd=REPO, stdin=subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": str(notify)},
            )  # fmt: skip
            assert b"READY=1" in ready.recv(4096)
    try:
        yield daemon, path
    finally:
        daemon.close()


def test_socket_activation(passed: tuple[Daemon, Path]) -> None:
    daemon, path = passed
    done = subprocess.run(
        ["docker", "-H", f"unix://{path}", "version", "--format", "{{.Server.APIVersion}}"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout == "1.50\n"
    assert daemon.docker("ps", "-q").stdout == ""
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 0
    assert stat.S_ISSOCK(path.stat().st_mode)  # systemd's, not ours to remove


def test_several_hosts_at_once(own_orlopd: Daemon) -> None:
    daemon = own_orlopd
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.wait(20)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    second = daemon.base / "second.sock"
    daemon.start(
        "-H", f"unix://{daemon.socket}", "-H", f"unix://{second}", "-H", f"tcp://127.0.0.1:{port}"
    )
    for host in (daemon.host, f"unix://{second}", f"tcp://127.0.0.1:{port}"):
        done = subprocess.run(
            ["docker", "-H", host, "run", "--rm", "-i", "busybox", "cat"],
            input="through\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.stdout, done.returncode) == ("through\n", 0), (host, done.stderr)
    for path in (daemon.socket, second):
        assert stat.S_IMODE(path.stat().st_mode) in (0o660, 0o600)
        assert path.stat().st_uid == 0


@pytest.fixture
def ssh(orlopd: Daemon, tmp_path: Path) -> dict[str, str]:
    """An environment whose `ssh` runs the remote command here, against the session's daemon."""
    remote = tmp_path / "remote"
    remote.mkdir()
    for name in ("docker", "orlop"):
        (remote / name).write_text(f'#!/bin/sh\nexec {" ".join(ORLOP)} "$@"\n')
        (remote / name).chmod(0o755)
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n'
        'while [ "$1" != -- ]; do\n'
        "  case $1 in -l|-p|-o) shift;; -*) ;; *) break;; esac; shift\ndone\n"
        '[ "$1" = -- ] && shift\nshift\n[ "$1" = -- ] && shift\n'
        f"export PATH={remote}:$PATH ORLOP_HOST={orlopd.host} DOCKER_HOST={orlopd.host}\n"
        'exec sh -c "$*"\n'
    )
    fake.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "ORLOP_HOST")}
    return {
        **environment, "PATH": f"{fake.parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
        "ASKED": f"{tmp_path}/asked",
    }  # fmt: skip


@pytest.mark.parametrize("client", [["docker"], ORLOP], ids=["docker", "orlop"])
def test_ssh_through_dial_stdio(client: list[str], ssh: dict[str, str]) -> None:
    host = ("-H", "ssh://me@far.example:2222")
    done = subprocess.run(
        [*client, *host, "run", "--rm", "-i", "busybox", "sh", "-c", "cat; exit 7"],
        input="far\n", capture_output=True, text=True, timeout=60, env=ssh, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("far\n", 7), done.stderr
    asked = Path(ssh["ASKED"]).read_text()
    assert "far.example" in asked
    assert "2222" in asked
    assert "dial-stdio" in asked
