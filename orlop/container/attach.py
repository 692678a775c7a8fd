"""Attach a client's stream to a container: the scribe moves the bytes, the daemon only hands over.

The client comes as an already connected stream: `connect()` is called once every check has passed
(the API answers 101 there) and yields the file descriptor and what was read behind the headers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from orlop.container.containers import Containers
from orlop.container.logs import logs as read_logs
from orlop.errors import Conflict
from orlop.kernel.outqueue import unread
from orlop.wire import parse_detach_keys

_PATIENCE = 0.05  # seconds
_LOOK = 0.001

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
            _headers_read(fd)
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


def _headers_read(fd: int) -> None:
    """Wait a moment for the client to take the 101 from its socket.

    Clients such as docker-py read headers through a buffer and the stream below it: bytes that come
    in the same packet as the headers would be lost to them.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if not unread(fd):
                return
        except OSError:
            return  # not a socket that tells
        time.sleep(_LOOK)  # nothing announces that a peer has read


def _replay(containers: Containers, id: str, options: Options, fd: int, mux: bool) -> None:
    found = read_logs(containers, id, stdout=options.stdout, stderr=options.stderr, mux=mux)
    for chunk in found:
        view = memoryview(chunk)
        while view:
            view = view[os.write(fd, view) :]
