"""The two command lines on one daemon, called the same way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from daemon import Daemon
from terminal import Terminal

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Cli:
    """One of the two command lines on one daemon."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        self.daemon = daemon
        self.name = name
        self.run: Run = daemon.docker if name == "docker" else daemon.orlop

    def __call__(self, *args: str, **options: object) -> str:
        return self.run(*args, **options).stdout

    def terminal(self, *args: str) -> Terminal:
        return self.daemon.terminal(self.name, *args)
