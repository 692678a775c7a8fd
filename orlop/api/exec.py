"""`/exec` and `/containers/{id}/exec`."""

from __future__ import annotations

from orlop.api import encode, models
from orlop.api.answer import MULTIPLEXED_STREAM, RAW_STREAM, Answer, Any_, Hijacked
from orlop.api.call import Call
from orlop.api.containers import as_lists, size
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


def create(call: Call) -> Answer:
    config = call.json(models.Exec)
    as_lists(config)
    id = creating.exec_create(call.engine.containers, call.parameters["id"], config)
    return encode.json({"Id": id}, 201)


def start(call: Call) -> Any_:
    body = call.json(models.ExecStart, optional=True)
    tty = bool(body.get("Tty"))
    console = body.get("ConsoleSize")
    id = call.parameters["id"]
    if body.get("Detach"):
        starting.exec_start(call.engine.containers, id, None, tty=tty, console=console)
        return Answer(200, b"", "")
    kind = MULTIPLEXED_STREAM if not tty and call.version >= (1, 42) else RAW_STREAM
    starting.exec_start(
        call.engine.containers, id, lambda: call.hijack(kind), tty=tty, console=console
    )
    return Hijacked()


def resize(call: Call) -> Answer:
    rows, columns = size(call)
    resizing.exec_resize(call.engine.containers, call.parameters["id"], rows, columns)
    return Answer(200, b"", "")


def inspect(call: Call) -> Answer:
    return encode.json(inspecting.exec_inspect(call.engine.containers, call.parameters["id"]))
