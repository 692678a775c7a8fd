"""`/exec` and `/containers/{id}/exec`."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading

from orlop.api import encode, models
from orlop.api.answer import Answer, Hijacked, Reply
from orlop.api.call import Call
from orlop.api.containers import size
from orlop.api.streams import hijacked_type
from orlop.api.versions import requests
from orlop.container import (
    exec_create as creating,
)
from orlop.container import (
    exec_inspect as inspecting,
)
from orlop.container import (
    exec_start as starting,
)
from orlop.container import (
    resize as resizing,
)
from orlop.engine import Engine
from orlop.errors import InvalidArgument, NotFound
from orlop.events import Event

_SETTLING = 0.5  # seconds for the news of an end or a detach that closed the stream


def create(call: Call) -> Answer:
    config = call.json(models.Exec, optional=True)
    requests.adapt("exec", config, call.version)
    if not config.get("Cmd"):  # before the container is looked for, as Docker
        raise InvalidArgument("No exec command specified")
    if call.flag("orlop-kill-on-disconnect"):
        config["KillOnDisconnect"] = True
    id = creating.exec_create(call.engine.containers, call.parameters["id"], config)
    return encode.json({"Id": id}, 201)


def start(call: Call) -> Reply:
    body = call.json(models.ExecStart, optional=True)
    tty = bool(body.get("Tty"))
    console = body.get("ConsoleSize")
    id = call.parameters["id"]
    if body.get("Detach"):
        starting.exec_start(call.engine.containers, id, None, tty=tty, console=console)
        return Answer(200, b"", "")
    kind = hijacked_type(call, tty=tty)
    watched: list[socket.socket] = []

    def connect() -> tuple[int, bytes]:
        fd, leftover = call.hijack(kind)
        if call.engine.containers.execs.get(id).config.get("KillOnDisconnect"):
            watched.append(socket.socket(fileno=os.dup(fd)))
        return fd, leftover

    try:
        starting.exec_start(call.engine.containers, id, connect, tty=tty, console=console)
        if watched:
            _kill_on_disconnect(call.engine, id, watched[0])
    finally:
        for sock in watched:
            sock.close()
    return Hijacked()


def _kill_on_disconnect(engine: Engine, id: str, client: socket.socket) -> None:
    """End the process when its client vanishes; not when it detaches. Docker leaves it running."""
    found = engine.containers.execs.get(id)
    settled = threading.Event()

    def seen(event: Event) -> None:
        ended = event.action in ("exec_detach", "exec_die")
        if ended and event.attributes.get("execID") == id:
            settled.set()

    _, cancel = engine.events.subscribe(seen)
    try:
        poll = select.poll()
        poll.register(client, 0)  # no events: only that both directions are closed
        poll.poll()
        if found.running and not settled.wait(_SETTLING):
            engine.containers.keeper.signal(found.container_id, id, signal.SIGKILL)
    except NotFound:
        pass  # it ended by itself
    finally:
        cancel()


def resize(call: Call) -> Answer:
    rows, columns = size(call)
    resizing.exec_resize(call.engine.containers, call.parameters["id"], rows, columns)
    return Answer(200, b"", "")


def inspect(call: Call) -> Answer:
    return encode.json(inspecting.exec_inspect(call.engine.containers, call.parameters["id"]))
