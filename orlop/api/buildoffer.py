"""`/orlop/build/context`: orlop's own CLI tells what is there, and sends what is lacking here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orlop.api import encode
from orlop.api.answer import Answer
from orlop.api.call import Call
from orlop.builder import index
from orlop.builder.context import Context
from orlop.errors import NotFound

_KIND = "offered"


def offer(call: Call) -> Answer:
    """The body is an index (`builder/index.py`), `place` the client's name for where its files are.

    {Context, Awaited}: the name to build it by; the number of the first and of the last record of
    each run whose files the body of the build is to have.
    """
    kept, place = call.engine.builder.kept, call.text("place")
    context = kept.take((place, _KIND))
    if context is None:
        context = Context(call.engine.builder.spool)
    try:
        context.place = place
        numbers = index.read(context, call.whole(index.LIMIT))
    except BaseException:
        context.close()
        raise
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return encode.json({"Context": kept.offer(context), "Awaited": runs})


@contextmanager
def accepted(call: Call, name: str) -> Iterator[Context]:
    """A context that was offered, with the awaited files from the body; kept for the next build.

    Raises NotFound, InvalidArgument, SystemFailure, OSError (a full disk).
    """
    kept = call.engine.builder.kept
    context = kept.accept(name)
    if context is None:
        raise NotFound(f"no such context: {name}")
    try:
        index.fill(context, call.body)
        yield context
    finally:
        kept.keep((context.place, _KIND), context)
