"""What talks to registries: pull, push, search, login, tags, distribution."""

from __future__ import annotations

from orlop.api import decode, encode, models
from orlop.api.answer import Answer, Reply, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.errors import InvalidArgument, SystemFailure
from orlop.image import login as logging_in
from orlop.image.import_ import import_
from orlop.image.pull import pull, pull_reference
from orlop.image.push import push as pushing
from orlop.image.search import search as searching
from orlop.image.tags import tags as tagged


def create(call: Call) -> Stream:
    """Pull (`fromImage`) or import (`fromSrc`)."""
    images = call.engine.images
    platform = call.text("platform") or None
    name, tag = call.text("fromImage"), call.text("tag")
    if name:
        reference = pull_reference(name, tag)
        every = not (reference.tag or reference.digest)  # the API means every tag then
        return progress(
            pull(images, reference, platform=platform, auth=call.auth(), all_tags=every)
        )
    source = call.text("fromSrc")
    return progress(
        import_(
            images,
            call.body if source == "-" else source,
            call.text("repo"),
            tag,
            message=call.text("message"),
            changes=decode.change_lines(call.texts("changes")),
            platform=platform,
        )
    )


def push(call: Call) -> Stream:
    return progress(
        pushing(
            call.engine.images,
            call.parameters["name"],
            tag=call.text("tag"),
            auth=call.auth(),
            platform=decode.platform(call.text("platform")) if call.text("platform") else None,
            compression=call.text("compression"),  # ours
        )
    )


def search(call: Call) -> Answer:
    return encode.json(
        searching(
            call.engine.images,
            call.text("term"),
            _limit(call),
            call.filters(),
            call.auth(),
        )
    )


def _limit(call: Call) -> int | None:
    try:
        return call.maybe_number("limit")
    except SystemFailure as error:
        raise InvalidArgument(f"invalid limit specified: {error.message}") from None


def auth(call: Call) -> Answer:
    return encode.json(logging_in.login(call.engine.images, call.json(models.Auth)))


def tags(call: Call) -> Reply:
    """Ours: `{"Name", …}` lines, with `detail` also digest, size, date and platforms."""
    return progress(
        tagged(
            call.engine.images,
            call.parameters["name"],
            auth=call.auth(),
            detail=call.flag("detail"),
        )
    )


def distribution(call: Call) -> Answer:
    from orlop.image.remote import distribution as asking

    return encode.json(asking(call.engine.images, call.parameters["name"], auth=call.auth()))
