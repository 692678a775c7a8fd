"""`orlop registry serve`, while a test needs it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from daemon import ORLOP, Daemon


@contextmanager
def serving(daemon: Daemon, *flags: str) -> Iterator[str]:
    """The address, while the command runs in the foreground."""
    process = subprocess.Popen(
        [*ORLOP, "registry", "serve", "--addr=127.0.0.1:0", *flags],
        env={**os.environ, **daemon.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout, process.stderr], [], [], 20)
        line = process.stdout.readline() if process.stdout in ready else ""
        assert re.match(r"Serving (the local images|https?://\S+) at ", line), process.communicate()
        yield line.split(" at ")[1].split("//")[1].partition("/")[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
