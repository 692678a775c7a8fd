"""Attach a client's stream to a container: the scribe moves the bytes, the daemon only hands over.

The client comes as an already connected stream: `connect()` is called once every check has passed
(the API answers 101 there) and yields the file descriptor and what was read behind the headers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from orlop.container.containers import Containers
from orlop.container.logs import logs as read_logs
from orlop.errors import Conflict
from orlop.wire import parse_detach_keys

Connect = Callable[[], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Options:
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    stream: bool = False  # follow the running process
    logs: bool = False  # first what was logged so far
    detach_keys: str = ""
    mux: bool | None = None  # stdcopy frames; None: unless the container has a terminal


def attach(containers: Containers, ref: str, options: Options, connect: Connect) -> None:
    """Returns once the stream is handed over; the scribe closes it. `connect`'s fd is consumed.

    Attaching to a container that has not started waits for the start, as `docker run` needs.
    Raises NotFound, Conflict (paused, restarting), InvalidArgument (detach keys).
    """
    container = containers.get(ref)
    keys = parse_detach_keys(options.detach_keys)
    if container.state.paused:
        raise Conflict(f"container {container.id} is paused, unpause the container before attach")
    if container.state.restarting:
        raise Conflict(
            f"container {container.id} is restarting, wait until the container is running"
        )
    config = container.config
    tty = bool(config.get("Tty"))
    mux = not tty if options.mux is None else options.mux
    fd, leftover = connect()
    try:
        if options.logs:
            _replay(containers, container.id, options, fd, mux)
        if options.stream:
            containers.keeper.attach(
                container.id,
                "",
                fd,
                stdin=options.stdin and bool(config.get("OpenStdin")),
                stdout=options.stdout,
                stderr=options.stderr,
                mux=mux,
                detach_keys=keys,
                leftover=leftover,
                stdin_once=bool(config.get("StdinOnce")),
            )
        containers.publish(container, "attach")
    finally:
        os.close(fd)


def _replay(containers: Containers, id: str, options: Options, fd: int, mux: bool) -> None:
    found = read_logs(containers, id, stdout=options.stdout, stderr=options.stderr, mux=mux)
    for chunk in found:
        view = memoryview(chunk)
        while view:
            view = view[os.write(fd, view) :]
