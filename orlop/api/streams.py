"""`/containers/{id}/{logs,stats,attach}`: answers that go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from orlop.api import decode
from orlop.api.answer import JSON, MULTIPLEXED_STREAM, RAW_STREAM, Answer, Hijacked, Reply, Stream
from orlop.api.call import Call
from orlop.api.encode import dumps, json
from orlop.container import attach as attaching
from orlop.container import logs as logging_
from orlop.container import stats as sampling
from orlop.container import wait as waiting
from orlop.container.attach import Options
from orlop.errors import InvalidArgument, OrlopError

Json = dict[str, Any]
_INTERVAL = 1.0  # seconds between samples of stats


def stream_type(call: Call, *, tty: bool) -> str:
    """1.42 gave multiplexed streams a media type of their own."""
    return MULTIPLEXED_STREAM if not tty and call.version >= (1, 42) else RAW_STREAM


def hijacked_type(call: Call, *, tty: bool) -> str:
    """Only a client that asked to upgrade is told what it gets."""
    return stream_type(call, tty=tty) if call.upgrade() else RAW_STREAM


def logs(call: Call) -> Stream:
    stdout, stderr = call.flag("stdout"), call.flag("stderr")
    if not (stdout or stderr):
        raise InvalidArgument("Bad parameters: you must choose at least one stream")
    tail = call.text("tail", "all")
    found = logging_.logs(
        call.engine.containers,
        call.parameters["id"],
        stdout=stdout,
        stderr=stderr,
        follow=call.flag("follow"),
        tail=int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 10 else None,
        since_ns=decode.moment(call.text("since")),
        until_ns=decode.moment(call.text("until")),
        timestamps=call.flag("timestamps"),
        details=call.flag("details"),
        together=call.flag("orlop-together"),
    )
    call.gone.call(found.close)
    tty = bool(found.container.config.get("Tty"))
    return Stream(_closing(found), stream_type(call, tty=tty))


def _closing(found: logging_.Log) -> Iterator[bytes]:
    try:
        yield from found
    finally:
        found.close()


def attach(call: Call) -> Reply:
    options, kind = attach_options(call)
    attaching.attach(
        call.engine.containers, call.parameters["id"], options, lambda: call.hijack(kind)
    )
    return Hijacked()


def attach_options(call: Call) -> tuple[Options, str]:
    container = call.engine.containers.get(call.parameters["id"])
    options = Options(
        stdin=call.flag("stdin"),
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        stream=call.flag("stream"),
        logs=call.flag("logs"),
        detach_keys=call.text("detachKeys"),
    )
    return options, hijacked_type(call, tty=bool(container.config.get("Tty")))


def stats(call: Call) -> Answer | Stream:
    containers, id = call.engine.containers, containers_id(call)
    if call.flag("stream", True):
        return Stream(_samples(call, id), JSON)
    first = sampling.stats(containers, id)
    if call.flag("one-shot") or not containers.get(id).state.running:
        return json(first)
    call.gone.wait(_INTERVAL)  # rates need two samples
    return json(sampling.stats(containers, id, first))


def containers_id(call: Call) -> str:
    """The full ID: a name may move to another container while we stream."""
    return call.engine.containers.get(call.parameters["id"]).id


def _samples(call: Call, id: str) -> Iterator[bytes]:
    """Until the client leaves or the container is removed: then at once, as Docker."""
    containers = call.engine.containers
    over = threading.Event()
    call.gone.call(over.set)
    try:
        removed = waiting.subscribe(containers.get(id), "removed")
    except OrlopError:
        return
    removed.add_done_callback(lambda _: over.set())
    previous: Json | None = None
    try:
        while True:
            try:
                previous = sampling.stats(containers, id, previous)
            except OrlopError:
                return  # removed
            yield dumps(previous) + b"\n"
            if over.wait(_INTERVAL):
                return
    finally:
        removed.cancel()
