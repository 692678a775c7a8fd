"""Answers as JSON bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orlop.api.answer import JSON, Answer, Headers

_encode = msgspec.json.Encoder().encode


def dumps(value: Any) -> bytes:
    """Bytes that are no UTF-8 (surrogates in our strings) are U+FFFD, as Go's encoder has it."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_shown(msgspec.to_builtins(value)))


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_shown(key): _shown(one) for key, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, list) else value


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
