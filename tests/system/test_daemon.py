"""The life of orlopd: start, readiness, signals, sockets, what it leaves and what it keeps."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import REPO, Daemon

pytestmark = pytest.mark.root


@pytest.fixture
def fresh() -> Iterator[Daemon]:
    daemon = Daemon(name="life")
    try:
        yield daemon
    finally:
        daemon.close()


def run_daemon(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orlop.daemon", *argv],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def wait_for_log(daemon: Daemon, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in daemon.log.read_text():
        assert time.monotonic() < deadline, daemon.log.read_text()


def test_start_is_quick_and_says_so(fresh: Daemon) -> None:
    begun = time.monotonic()
    fresh.start()
    assert time.monotonic() - begun < 2  # 0.2 s on an idle machine
    log = fresh.log.read_text()
    assert f"API listen on {fresh.socket}" in log
    assert 'level=info msg="Daemon has completed initialization"' in log
    assert fresh.process
    assert fresh.pid("orlopd") == fresh.process.pid
    assert fresh.pid("keeper") != fresh.process.pid
    assert stat.S_IMODE(fresh.socket.stat().st_mode) == 0o660
    assert stat.S_IMODE(fresh.exec_root.stat().st_mode) == 0o711


def test_memory_when_idle(fresh: Daemon) -> None:
    """The sum of PSS over every process; the design allows 45 MB."""
    fresh.start()
    fresh.docker("ps")
    total = 0
    for name in ("orlopd", "keeper", "scribe-0"):
        rollup = Path(f"/proc/{fresh.pid(name)}/smaps_rollup").read_text()
        total += next(int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:"))
    assert total < 45 << 10


def test_a_daemon_without_containers_leaves_nothing(own_orlopd: Daemon) -> None:
    daemon = own_orlopd
    daemon.docker("run", "--rm", "busybox", "true")
    assert mounts_below(daemon.data_root)
    ends = [os.pidfd_open(daemon.pid(name)) for name in ("orlopd", "keeper", "scribe-0")]
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    for end in ends:
        assert select.select([end], [], [], 10)[0]
        os.close(end)
    assert daemon.process.wait(10) == 0
    assert mounts_below(daemon.base) == []
    assert not (daemon.exec_root / "keeper.sock").exists()
    daemon.start()
    assert daemon.docker("run", "--rm", "busybox", "echo", "again").stdout == "again\n"


def mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [where for line in lines if (where := line.split()[4]).startswith(str(folder))]


def test_sigterm_lets_containers_live_and_takes_its_files(own_orlopd: Daemon) -> None:
    daemon = own_orlopd
    daemon.docker("run", "-d", "--name", "kept", "busybox", "sleep", "1000")
    pid = int(daemon.docker("inspect", "-f", "{{.State.Pid}}", "kept").stdout)
    follow = subprocess.Popen(
        ["docker", "logs", "-f", "kept"], env={**os.environ, **daemon.environment}
    )
    waiting = subprocess.Popen(
        ["docker", "wait", "kept"],
        env={**os.environ, **daemon.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert daemon.process
    begun = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(15) == 0
    assert time.monotonic() - begun < 15
    follow.wait(10)
    waiting.wait(10)
    assert not daemon.socket.exists()
    assert not (daemon.exec_root / "orlopd.pid").exists()
    os.kill(pid, 0)
    daemon.start()
    assert daemon.docker("inspect", "-f", "{{.State.Pid}}", "kept").stdout == f"{pid}\n"


def test_sighup_reloads_what_may_change(fresh: Daemon) -> None:
    file = fresh.base / "daemon.json"
    file.write_text(json.dumps({"labels": ["a=1"], "max-concurrent-downloads": 2}))
    fresh.start(f"--config-file={file}")
    info = json.loads(fresh.docker("info", "-f", "json").stdout)
    assert info["Labels"] == ["a=1"]
    assert not info["Debug"]
    file.write_text(
        json.dumps({"labels": ["a=2"], "debug": True, "registry-mirrors": ["http://m"]})
    )
    assert fresh.process
    fresh.process.send_signal(signal.SIGHUP)
    wait_for_log(fresh, "Reloaded configuration")
    info = json.loads(fresh.docker("info", "-f", "json").stdout)
    assert info["Labels"] == ["a=2"]
    assert info["Debug"]
    assert info["RegistryConfig"]["Mirrors"] == ["http://m/"]
    file.write_text("{")
    fresh.process.send_signal(signal.SIGHUP)
    wait_for_log(fresh, "Error reconfiguring the daemon")
    assert json.loads(fresh.docker("info", "-f", "json").stdout)["Labels"] == ["a=2"]


def test_a_second_daemon_is_refused(fresh: Daemon) -> None:
    fresh.start()
    same_root = run_daemon(
        f"--data-root={fresh.data_root}",
        f"--exec-root={fresh.base}/other",
        "--config-file=/dev/null",
    )
    assert same_root.returncode == 1
    assert "is in use by another daemon" in same_root.stderr
    assert "Traceback" not in same_root.stderr
    assert fresh.docker("ps").returncode == 0


def test_validate_version_help_and_errors(tmp_path: Path) -> None:
    assert run_daemon("--validate", "--config-file=/dev/null").stderr == "configuration OK\n"
    assert run_daemon("--version").stdout.startswith("Orlop version ")
    assert "--data-root" in run_daemon("--help").stdout
    wrong = run_daemon("--nosuch")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("unknown flag: --nosuch\n")
    (tmp_path / "daemon.json").write_text('{"nosuch": 1}')
    refused = run_daemon("--validate", f"--config-file={tmp_path}/daemon.json")
    assert refused.returncode == 1
    assert "don't match any configuration option: nosuch" in refused.stderr


def test_pidfile_of_a_live_process(fresh: Daemon) -> None:
    (fresh.base / "pid").write_text(str(os.getpid()))
    done = run_daemon(
        f"--data-root={fresh.data_root}", f"--exec-root={fresh.exec_root}",
        f"--pidfile={fresh.base}/pid", "--config-file=/dev/null",
    )  # fmt: skip
    assert done.returncode == 1
    assert f"process with PID {os.getpid()} is still running" in done.stderr


def certificates(folder: Path) -> None:
    """A CA, a server's and a client's certificate of it, and another CA's client."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "san").write_text("subjectAltName=IP:127.0.0.1")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    for ca, names in (("ca", ("server", "client")), ("other", ("stranger",))):
        subject = ("-subj", f"/CN={ca}", "-days", "2")
        openssl("req", "-x509", *new_key, f"{ca}-key.pem", "-out", f"{ca}.pem", *subject)
        signer = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}-key.pem", "-days", "2")
        for name in names:
            request = f"{name}.csr"
            openssl("req", *new_key, f"{name}-key.pem", "-out", request, "-subj", f"/CN={name}")
            extra = ("-out", f"{name}.pem", "-extfile", "san")
            openssl("x509", "-req", "-in", request, *signer, *extra)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _served_without_certificate(port: int, authority: str) -> bool:
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        try:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as bare:
                bare.sendall(b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return bool(bare.recv(100))
        except (ssl.SSLError, ConnectionError):
            return False


def test_tls_with_client_certificates(own_orlopd: Daemon, tmp_path: Path) -> None:
    certificates(tmp_path)
    port = free_port()
    daemon = own_orlopd
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.wait(20)
    daemon.start(
        "-H", f"unix://{daemon.socket}", "-H", f"tcp://127.0.0.1:{port}", "--tlsverify",
        f"--tlscacert={tmp_path}/ca.pem", f"--tlscert={tmp_path}/server.pem",
        f"--tlskey={tmp_path}/server-key.pem",
    )  # fmt: skip

    def docker(
        *words: str, cert: str = "client", text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "-H", f"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert",
             f"{tmp_path}/ca.pem", "--tlscert", f"{tmp_path}/{cert}.pem", "--tlskey",
             f"{tmp_path}/{cert}-key.pem", *words],
            input=text, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip

    first = docker("run", "--rm", "busybox", "echo", "hi")
    assert first.stdout == "hi\n", first.stderr + daemon.log.read_text()
    lines = "".join(f"{n}\n" for n in range(30_000))
    assert docker(
        "run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end", text=lines
    ).stdout == (lines + "end\n")
    saved = docker("save", "-o", f"{tmp_path}/a.tar", "busybox")
    assert saved.returncode == 0, saved.stderr
    assert docker("load", "-i", f"{tmp_path}/a.tar").stdout == "Loaded image: busybox:latest\n"
    stranger = docker("version", cert="stranger")
    assert stranger.returncode == 1
    assert not _served_without_certificate(port, f"{tmp_path}/ca.pem")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            assert b"200" not in plain.recv(100)
        except ConnectionResetError:
            pass
    assert daemon.docker("version").returncode == 0


def test_five_hundred_idle_connections(fresh: Daemon) -> None:
    fresh.start()
    idle = []
    for _ in range(500):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(fresh.socket))
        idle.append(sock)
    begun = time.monotonic()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(fresh.socket))
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - begun < 0.1
    for sock in idle:
        sock.close()


def test_a_fresh_data_root_is_nobody_elses(own_orlopd: Daemon) -> None:
    """In a root that was dockerd's, half-made layers are not swept away."""
    assert not (own_orlopd.data_root / "orlop" / "foreign.json").exists()
