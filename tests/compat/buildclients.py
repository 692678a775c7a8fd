"""Clients that speak BuildKit's protocol, of distribution packages, on a daemon of ours."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from daemon import REPO, Daemon

TOOLS = REPO / ".venv" / "tools" / "buildkit"
SUITES = ("trixie", "forky")  # buildx 0.13 and 0.29, compose 2.26 and 2.40


class Client:
    """The docker CLI of a suite with its plugins."""

    def __init__(self, daemon: Daemon, suite: str, home: Path) -> None:
        assert (TOOLS / ".done").exists(), f"missing: sh scripts/buildx.sh {TOOLS}"
        self.daemon = daemon
        self.suite = suite
        plugins = home / f"config-{suite}" / "cli-plugins"
        plugins.mkdir(parents=True)
        for name in ("docker-buildx", "docker-compose"):
            if (TOOLS / suite / name).exists():
                (plugins / name).symlink_to(TOOLS / suite / name)
        self.environment = {
            **os.environ,
            "DOCKER_HOST": daemon.host,
            "DOCKER_CONFIG": str(plugins.parent),
            "HOME": str(home),
            "PATH": f"{TOOLS / suite}:{os.environ['PATH']}",
        }

    @property
    def command(self) -> list[str]:
        return [str(TOOLS / self.suite / "docker")]

    def popen(self, *words: str, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *words],
            env=self.environment, text=True, **options,  # type: ignore[call-overload]
        )  # fmt: skip

    def __call__(
        self, *words: str, check: bool = True, cwd: Path | None = None, stdin: bytes = b"",
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """stdout and stderr as text; `check`: it succeeds."""
        done = subprocess.run(
            [*self.command, *words],
            env={**self.environment, **environment}, input=stdin, capture_output=True, cwd=cwd,
            timeout=120, check=False,
        )  # fmt: skip
        found = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
        assert not check or not found.returncode, found.stdout + found.stderr
        return found

    def build(
        self, *words: str, check: bool = True, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`buildx build --progress=plain`; the progress is in stderr."""
        return self(
            "buildx", "build", "--progress=plain", *words, check=check, stdin=stdin, **environment
        )


def write(folder: Path, text: str) -> None:
    (folder / "Dockerfile").write_text(text)


def steady(progress: str) -> str:
    """Progress without what differs from run to run: times, sizes, digests."""
    text = re.sub(r"sha256:[0-9a-f]{64}", "DIGEST", progress)
    text = re.sub(r"(?m)^(#\d+) \d+\.\d+ ", r"\1 TIME ", text)
    text = re.sub(r"(?m)^\d+\.\d+ ", "TIME ", text)
    text = re.sub(r"DONE \d+\.\d+s", "DONE", text)
    text = re.sub(r"(?m)^#\d+ transferring [^\n]*(?<! done)\n", "", text)  # on the way
    text = re.sub(r" \d+\.\d+s done", " done", text)
    return re.sub(r"\d+(\.\d+)?[kM]?B done", "SIZE done", text)
