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
        _interrupt(process)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Again where it is lost: one that comes between Python's look for signals and its read(2)
    waits for the read to end (1 of 300 times, right after an answer)."""
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=10)
            return
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.communicate()
    raise AssertionError("three SIGINTs did not end it")
