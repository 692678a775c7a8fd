"""What a handler may answer, as values; `exchange.py` puts them on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, str], ...]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
TAR = "application/x-tar"
RAW_STREAM = "application/vnd.docker.raw-stream"
MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `content_type` "" for one without a body."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that comes in pieces, each sent at once, chunked. Closing `chunks` cancels it."""

    chunks: Iterator[bytes]
    content_type: str = JSON
    status: int = 200
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Later:
    """The head at once, the body when `future` is done. No thread waits meanwhile."""

    future: Future[Any]
    encode: Callable[[Any], bytes]
    content_type: str = JSON
    status: int = 200


@dataclass(frozen=True, slots=True)
class Hijacked:
    """The connection has left HTTP; nobody here owns it any more."""


Reply = Answer | Stream | Later | Hijacked

NO_CONTENT = Answer(204, b"", "")

REASONS = {
    200: b"OK", 201: b"Created", 202: b"Accepted", 204: b"No Content", 206: b"Partial Content",
    301: b"Moved Permanently",
    304: b"Not Modified", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden",
    404: b"Not Found", 405: b"Method Not Allowed", 409: b"Conflict", 413: b"Content Too Large",
    416: b"Range Not Satisfiable", 500: b"Internal Server Error", 501: b"Not Implemented",
    503: b"Service Unavailable",
}  # fmt: skip
