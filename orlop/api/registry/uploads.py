"""`/v2/<name>/blobs/uploads/`: monolithic, streamed and in chunks; mounts from a sibling."""

from __future__ import annotations

import re

from orlop.api.answer import Answer
from orlop.api.registry.problem import Problem
from orlop.api.registry.request import Request, digest, repository
from orlop.api.registry.sessions import Session
from orlop.errors import InvalidArgument
from orlop.image.publish import blob_size
from orlop.oci.digest import Digest

_PIECE = 256 << 10
_RANGE = re.compile(r"(?:bytes )?(\d{1,18})-(\d{1,18})(?:/.*)?", re.ASCII)


def post(request: Request) -> Answer:
    """Open an upload; with `digest` it is the whole of it; with `mount` it may not be needed."""
    name = request.repository.name
    if request.text("mount"):
        wanted = digest(request.text("mount"))
        if request.text("from"):
            repository(request.text("from"))
        if blob_size(request.published.images, wanted) is not None:
            return _created(request, wanted)
    key = request.sessions.begin(name)
    if request.text("digest"):
        with request.sessions.held(name, key) as session:
            return _finish(request, session, key, digest(request.text("digest")))
    return _accepted(request, key, 0)


def patch(request: Request) -> Answer:
    name = request.repository.name
    with request.sessions.held(name, request.rest) as session:
        _check_range(request, session)
        _receive(request, session)
        return _accepted(request, request.rest, session.incoming.size)


def put(request: Request) -> Answer:
    wanted = digest(request.text("digest"))
    with request.sessions.held(request.repository.name, request.rest) as session:
        _check_range(request, session)
        return _finish(request, session, request.rest, wanted)


def get(request: Request) -> Answer:
    with request.sessions.held(request.repository.name, request.rest) as session:
        return Answer(204, b"", "", _where(request, request.rest, session.incoming.size))


def delete(request: Request) -> Answer:
    with request.sessions.held(request.repository.name, request.rest) as session:
        request.sessions.take(request.rest)
        session.incoming.drop()
    return Answer(204, b"", "")


def _finish(request: Request, session: Session, key: str, wanted: Digest) -> Answer:
    _receive(request, session)
    request.sessions.take(key)
    try:
        request.published.images.blobs.commit(session.incoming, expect=wanted, durable=True)
    except InvalidArgument as error:
        raise Problem("DIGEST_INVALID", error.message) from None
    except BaseException:
        session.incoming.drop()
        raise
    return _created(request, wanted)


def _receive(request: Request, session: Session) -> None:
    """What came before the line broke stays: the client may ask how far it got."""
    read = request.exchange.body.read1
    while data := read(_PIECE):
        session.incoming.write(data)


def _check_range(request: Request, session: Session) -> None:
    """A chunk goes where the last one ended."""
    header = request.header("content-range")
    if not header:
        return
    found = _RANGE.fullmatch(header)
    length = request.header("content-length")
    have = session.incoming.size
    if found is None or int(found[1]) != have or int(found[2]) < int(found[1]):
        raise Problem("RANGE_INVALID", headers=_where(request, request.rest, have))
    if length and int(length) != int(found[2]) - int(found[1]) + 1:
        raise Problem("SIZE_INVALID")


def _accepted(request: Request, key: str, have: int) -> Answer:
    return Answer(202, b"", "", _where(request, key, have))


def _where(request: Request, key: str, have: int) -> tuple[tuple[str, str], ...]:
    return (
        ("Location", f"/v2/{request.name}/blobs/uploads/{key}"),
        ("Range", f"0-{max(0, have - 1)}"),
        ("Docker-Upload-UUID", key),
        ("OCI-Chunk-Min-Length", "0"),
    )


def _created(request: Request, wanted: Digest) -> Answer:
    headers = (
        ("Location", f"/v2/{request.name}/blobs/{wanted}"),
        ("Docker-Content-Digest", wanted),
    )
    return Answer(201, b"", "", headers)
