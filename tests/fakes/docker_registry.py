"""Debian's docker-registry on a free loopback port, with a store of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

AVAILABLE = shutil.which("docker-registry") is not None


class DockerRegistry:
    def __init__(self, folder: Path, *, htpasswd: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        auth = ""
        if htpasswd:
            (folder / "htpasswd").write_text(htpasswd)
            auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
        (folder / "config.yml").write_text(
            "version: 0.1\n"
            "log: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
            f'http: {{addr: "{self.host}"}}\n' + auth
        )
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(folder / "config.yml")],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=2).close()
                return
            except urllib.error.HTTPError as error:
                error.close()
                return  # 401: it is there
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        raise RuntimeError((self.folder / "log").read_text())

    def __enter__(self) -> DockerRegistry:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
