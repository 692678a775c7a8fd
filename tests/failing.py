"""A broken disk in the middle of a call: one system call that changes something fails."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

from daemon import Daemon
from interrupting import (
    FULL,
    Call,
    always,
    calling,
    consistent,
    injected,
    nothing,
    points_of,
    seeded,
    settle,
    tell,
    whole,
)

SAMPLE = 3  # errors for each call, outside of the full runs


def at_every_error(
    daemon: Daemon,
    call: Call,
    before: Callable[[], object] = nothing,
    *,
    repeat: Callable[[], object] | None = None,
    proof: Callable[[], bool] = always,
) -> None:
    """EIO at each state-changing system call, or at a seeded sample of them: the daemon stays, what
    was acknowledged holds, the call succeeds when it is repeated, and after a proper stop and start
    nothing half made is left."""
    before()
    points = points_of(daemon, call)
    if not FULL:
        seeded().shuffle(points)
        points = points[:SAMPLE]
    succeeded = 0
    for name, number in points:
        before()
        said = failing(daemon, call, name, number)
        succeeded += said
        where = f"EIO at {name} {number}"
        assert daemon.process
        assert daemon.process.poll() is None, where
        assert not said or proof(), f"{where}: an acknowledged call is undone"
        repeat() if repeat else whole(daemon, call)
        assert proof(), where
        stop(daemon)
        daemon.start()
        assert proof(), f"{where}: gone after the next start"
        consistent(daemon)
    tell("errors", call, len(points), succeeded)


def failing(daemon: Daemon, call: Call, name: str, number: int) -> bool:
    """Make the call while the `number`th system call `name` of any thread fails; did it succeed?"""
    settle(daemon)
    with injected(daemon, name, f"error=EIO:when={number}"):
        with calling(daemon, call) as running:
            ended = os.pidfd_open(running.pid)
            assert select.select([ended], [], [], 60)[0], "the call does not end"
            os.close(ended)
        select.select([], [], [], 0.1)  # what is done behind the answer
    return running.returncode == 0


def stop(daemon: Daemon) -> None:
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(timeout=30) == 0
