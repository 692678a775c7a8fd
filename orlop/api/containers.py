"""`/containers`: the calls that answer with one document or nothing."""

from __future__ import annotations

from typing import Any

from orlop.api import decode, encode, models
from orlop.api.answer import JSON, NO_CONTENT, Answer, Later, Reply
from orlop.api.call import Call
from orlop.api.versions import answers, requests
from orlop.container import (
    changes as changing,
)
from orlop.container import (
    commit as committing,
)
from orlop.container import (
    create as creating,
)
from orlop.container import (
    inspect as inspecting,
)
from orlop.container import (
    kill as killing,
)
from orlop.container import (
    list as listing,
)
from orlop.container import (
    pause as pausing,
)
from orlop.container import (
    prune as pruning,
)
from orlop.container import (
    remove as removing,
)
from orlop.container import (
    rename as renaming,
)
from orlop.container import (
    resize as resizing,
)
from orlop.container import (
    restart as restarting,
)
from orlop.container import (
    start as starting,
)
from orlop.container import (
    stop as stopping,
)
from orlop.container import (
    top as topping,
)
from orlop.container import (
    update as updating,
)
from orlop.container import (
    wait as waiting,
)
from orlop.errors import InvalidArgument

Json = dict[str, Any]
_WORDS = ("Cmd", "Entrypoint", "Shell", "CapAdd", "CapDrop")


def list_(call: Call) -> Answer:
    containers = call.engine.containers
    every, limit = call.flag("all"), call.number("limit", -1)
    filters = call.filters()
    size = call.flag("size")
    if not size and not answers.is_shaped("container summary", call.version):
        body = listing.list_encoded(containers, all=every, limit=limit, filters=filters)
        return Answer(200, body + b"\n")
    rows = listing.list_(containers, all=every, limit=limit, filters=filters, size=size)
    return encode.json(
        [answers.shape("container summary", _copied(row), call.version) for row in rows]
    )


def _copied(row: Json) -> Json:
    """Summaries are shared with other requests."""
    return {**row, "HostConfig": dict(row.get("HostConfig") or {})}


def create(call: Call) -> Answer:
    body = requests.adapt("container", call.json(models.CreateContainer), call.version)
    host = body.pop("HostConfig", None)
    networking = body.pop("NetworkingConfig", None)
    as_lists(body)
    as_lists(host)
    id, warnings = creating.create(
        call.engine.containers,
        body,
        host,
        networking,
        name=call.text("name"),
        platform=call.text("platform") or None,
    )
    return encode.json({"Id": id, "Warnings": warnings}, 201)


def as_lists(document: Json | None) -> None:
    """Docker takes one word where a list of words is meant."""
    for key in _WORDS:
        if document and isinstance(document.get(key), str):
            document[key] = [document[key]]


def inspect(call: Call) -> Answer:
    found = inspecting.inspect(
        call.engine.containers, call.parameters["id"], size=call.flag("size")
    )
    return encode.json(answers.shape("container", found, call.version))


def top(call: Call) -> Answer:
    arguments = call.text("ps_args")
    return encode.json(topping.top(call.engine.containers, call.parameters["id"], arguments))


def changes(call: Call) -> Answer:
    found = changing.changes(call.engine.containers, call.parameters["id"])
    return encode.json(
        [{"Kind": c.kind, "Path": c.path.encode("utf-8", "replace").decode()} for c in found]
        or None
    )


def resize(call: Call) -> Answer:
    rows, columns = size(call)
    resizing.resize(call.engine.containers, call.parameters["id"], rows, columns)
    return Answer(200, b"", "")


def size(call: Call) -> tuple[int, int]:
    """h and w of a terminal."""
    out = []
    for key, what in (("h", "height"), ("w", "width")):
        text = call.text(key)
        if not (text.isascii() and text.isdigit()):
            raise InvalidArgument(f'invalid resize {what} "{text}": invalid syntax')
        if len(text) > 10 or int(text) >= 1 << 32:
            raise InvalidArgument(f'invalid resize {what} "{text}": value out of range')
        out.append(int(text))
    return out[0], out[1]


def start(call: Call) -> Answer:
    if call.has_body() and call.header("content-length") not in ("", "2"):
        raise InvalidArgument(
            "starting container with non-empty request body was deprecated since API v1.22 "
            "and removed in v1.24"
        )
    if call.text("checkpoint"):
        from orlop.api.unsupported import checkpoints

        checkpoints(call)
    starting.start(call.engine.containers, call.parameters["id"])
    return NO_CONTENT


def stop(call: Call) -> Answer:
    stopping.stop(
        call.engine.containers,
        call.parameters["id"],
        timeout=call.maybe_number("t"),
        signal=call.text("signal") or None,
    )
    return NO_CONTENT


def restart(call: Call) -> Answer:
    restarting.restart(
        call.engine.containers,
        call.parameters["id"],
        timeout=call.maybe_number("t"),
        signal=call.text("signal") or None,
    )
    return NO_CONTENT


def kill(call: Call) -> Answer:
    killing.kill(call.engine.containers, call.parameters["id"], call.text("signal"))
    return NO_CONTENT


def pause(call: Call) -> Answer:
    pausing.pause(call.engine.containers, call.parameters["id"])
    return NO_CONTENT


def unpause(call: Call) -> Answer:
    pausing.unpause(call.engine.containers, call.parameters["id"])
    return NO_CONTENT


def rename(call: Call) -> Answer:
    renaming.rename(call.engine.containers, call.parameters["id"], call.text("name"))
    return NO_CONTENT


def update(call: Call) -> Answer:
    changed = call.json(models.UpdateConfig, optional=True)
    requests.adapt("update", changed, call.version)
    warnings = updating.update(call.engine.containers, call.parameters["id"], changed)
    return encode.json({"Warnings": warnings or None})


def remove(call: Call) -> Answer:
    removing.remove(
        call.engine.containers,
        call.parameters["id"],
        force=call.flag("force"),
        volumes=call.flag("v"),
        link=call.flag("link"),
    )
    return NO_CONTENT


def prune(call: Call) -> Answer:
    return encode.json(pruning.prune(call.engine.containers, call.filters()))


def wait(call: Call) -> Reply:
    """The head at once, so that a client knows it is waiting before it starts the container."""
    condition = call.text("condition")
    if condition and condition not in waiting.CONDITIONS:
        raise InvalidArgument(f'invalid condition: "{condition}"')
    future = waiting.wait(call.engine.containers, call.parameters["id"], condition)
    return Later(future, _waited, JSON)


def _waited(result: tuple[int, str]) -> bytes:
    code, error = result
    document: Json = {"StatusCode": code}
    if error:
        document["Error"] = {"Message": error}
    return encode.dumps(document) + b"\n"


def commit(call: Call) -> Answer:
    config = call.json(models.Config, optional=True)
    as_lists(config)
    image = committing.commit(
        call.engine.containers,
        call.text("container"),
        repo=call.text("repo"),
        tag=call.text("tag"),
        comment=call.text("comment"),
        author=call.text("author"),
        pause=call.flag("pause", True),
        changes=decode.change_lines(call.texts("changes")),
        config=config or None,
    )
    return encode.json({"Id": str(image)}, 201)
