"""A private orlopd for tests: own data root, exec root, bridge; ready when sd_notify says so."""

from __future__ import annotations

import hashlib
import http.client
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from terminal import Terminal

REPO = Path(__file__).parent.parent
ORLOP = ["/usr/bin/python3", "-I", "-S", str(REPO / "orlop" / "cli" / "entry.py")]
_READY = 30  # seconds


class Daemon:
    def __init__(self, *flags: str, name: str = "t") -> None:
        self.base = Path(tempfile.mkdtemp(prefix=f"orlop-{name}-", dir="/var/tmp"))
        self.data_root = self.base / "data"
        self.exec_root = self.base / "run"
        self.socket = self.exec_root / "orlop.sock"
        self.host = f"unix://{self.socket}"
        self.log = self.base / "log"
        self.flags = list(flags)
        self.prefix: list[str] = []  # of the command line: a namespace to live in
        self.process: subprocess.Popen[bytes] | None = None
        number = int.from_bytes(os.urandom(2), "big")
        self.bridge = f"or{number:04x}"
        self.bip = f"10.{200 + (number >> 8) % 50}.{number & 255}.1/24"

    def start(self, *extra: str) -> Daemon:
        notify = self.base / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, self.log.open("ab") as log:
            ready.bind(str(notify))
            ready.settimeout(_READY)
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    sys.executable,
                    "-m",
                    "orlop.daemon",
                    f"--data-root={self.data_root}",
                    f"--exec-root={self.exec_root}",
                    f"--bridge={self.bridge}",
                    f"--bip={self.bip}",
                    "--config-file=/dev/null",
                    *self.flags,
                    *extra,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPO,
                env={**os.environ, "NOTIFY_SOCKET": str(notify)},
            )
            self._await(ready, self.process.pid)
        return self

    def _await(self, ready: socket.socket, pid: int) -> None:
        """Until it says READY=1; it may also end, and then says why in its log."""
        ended = os.pidfd_open(pid)
        try:
            while True:
                found, _, _ = select.select([ready, ended], [], [], _READY)
                if ready in found:
                    if b"READY=1" in ready.recv(4096):
                        return
                elif ended in found or not found:
                    raise AssertionError(f"orlopd is not ready:\n{self.log.read_text()}")
        finally:
            os.close(ended)

    def docker(self, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the docker CLI on this daemon."""
        return self._run(["docker", *args], options)

    def orlop(self, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run our CLI on this daemon."""
        return self._run([*ORLOP, *args], options)

    def http(self) -> http.client.HTTPConnection:
        return _Http(self.socket)

    def terminal(self, name: str, *args: str) -> Terminal:
        """`name` ("docker" or "orlop") under a pseudo-terminal."""
        command = ["docker"] if name == "docker" else [*ORLOP]
        return Terminal([*command, *args], self.environment)

    orlop_command = ORLOP

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DOCKER_HOST": self.host,
            "ORLOP_HOST": self.host,
            "DOCKER_CONFIG": str(self.base / "cli"),
            "HOME": str(self.base),
        }

    def _run(self, command: list[str], options: Any) -> subprocess.CompletedProcess[str]:
        check = options.pop("check", True)
        options.setdefault("timeout", 60)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("text", True)
        done = subprocess.run(
            command,
            capture_output=True,
            env={**os.environ, **self.environment},
            **options,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def kill(self) -> None:
        """SIGKILL to the daemon alone."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def wait_for_end(self, id: str) -> None:
        """Without a daemon: until no process of the container is left in its cgroup."""
        top = next(
            p
            for p in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
            if (p / "orlop").is_dir()
        )
        procs = top / "orlop" / id / "cgroup.procs"
        deadline = time.monotonic() + 60
        while procs.exists() and procs.read_text().strip():
            assert time.monotonic() < deadline, id
            select.select([], [], [], 0.02)

    def pid(self, name: str) -> int:
        """Of "keeper" or "scribe-0"."""
        return int((self.exec_root / f"{name}.pid").read_text())

    @property
    def table(self) -> str:
        """Of nftables, in the family inet."""
        return "orlop-" + hashlib.sha256(bytes(self.data_root)).hexdigest()[:8]

    def close(self) -> None:
        """End every process, unmount, remove the roots."""
        if self.process and self.process.poll() is not None:
            try:
                self.start()  # what a killed daemon left running ends through a new one
            except AssertionError:
                pass
        if self.process and self.process.poll() is None:
            ids = self.docker("ps", "-aq", check=False).stdout.split()
            if ids:
                self.docker("rm", "-fv", *ids, check=False)
            self.docker("network", "prune", "-f", check=False)  # bridges would outlive the root
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
        for name in ("keeper", "scribe-0", "courier"):
            try:
                ended = os.pidfd_open(self.pid(name))
            except (OSError, ValueError):
                continue
            try:
                signal.pidfd_send_signal(ended, signal.SIGKILL)
                select.select([ended], [], [], 10)
            except ProcessLookupError:
                pass
            os.close(ended)
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            where = line.split()[4]
            if where.startswith((str(self.base), str(self.data_root))):
                subprocess.run(["umount", "-l", where], check=False)
        for command in (
            ["ip", "link", "del", self.bridge],
            ["nft", "delete", "table", "inet", self.table],
        ):
            try:
                subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
            except FileNotFoundError:
                pass
        shutil.rmtree(self.base, ignore_errors=True)


class _Http(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


@contextmanager
def with_busybox(daemon: Daemon) -> Iterator[Daemon]:
    """`daemon`, started, with busybox:latest; closed at the end."""
    daemon.start()
    try:
        daemon.orlop("bootstrap", "busybox")
        yield daemon
    finally:
        daemon.close()
