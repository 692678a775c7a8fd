"""Answers as JSON bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orlop.api.answer import JSON, Answer, Headers

dumps = msgspec.json.Encoder().encode


def json(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """As Go's encoder, with the line feed behind."""
    return Answer(status, dumps(value) + b"\n", JSON, headers)


def failure(message: str) -> bytes:
    return dumps({"message": message}) + b"\n"


def lines(values: Iterable[Any]) -> Iterator[bytes]:
    """JSON lines, as progress streams are sent. Closing it closes `values`."""
    try:
        for value in values:
            yield dumps(value) + b"\r\n"
    finally:
        close = getattr(values, "close", None)
        if close is not None:
            close()
