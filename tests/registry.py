"""A private docker-registry (plain http) on a free loopback port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Registry:
    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="orlop-registry-", dir="/var/tmp"))
        self.address = f"127.0.0.1:{free_port()}"
        (self.base / "config.yml").write_text(
            "version: 0.1\n"
            "log: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.base}/data}}, "
            "delete: {enabled: true}}\n"
            f"http: {{addr: '{self.address}'}}\n"
        )
        binary = shutil.which("docker-registry") or "/usr/bin/docker-registry"
        self.process = subprocess.Popen(
            [binary, "serve", str(self.base / "config.yml")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
        )
        self._wait()

    def _wait(self) -> None:
        host, port = self.address.split(":")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=10) as answer:
                        assert answer.status == 200
                    return
            select_nothing(0.02)
        raise AssertionError("docker-registry did not start")

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        shutil.rmtree(self.base, ignore_errors=True)


def select_nothing(seconds: float) -> None:
    """Foreign servers announce nothing: the one place where a test asks again."""
    import select

    select.select([], [], [], seconds)
