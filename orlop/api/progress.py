"""Progress streams: JSON lines as work goes on, an error as the last line."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from typing import Any

from orlop.api.answer import JSON, Stream
from orlop.api.encode import dumps
from orlop.api.status import message
from orlop.errors import OrlopError

log = logging.getLogger(__name__)


def progress(messages: Iterator[dict[str, Any]], *, eager: bool = True) -> Stream:
    """`eager`: what fails before the first message is raised, and becomes an HTTP status."""
    first = next(messages, None) if eager else None
    return Stream(_lines(first, messages), JSON)


def _lines(
    first: dict[str, Any] | None, rest: Iterator[dict[str, Any]]
) -> Generator[bytes, None, None]:
    try:
        if first is not None:
            yield dumps(first) + b"\r\n"
        for item in rest:
            yield dumps(item) + b"\r\n"
    except (OrlopError, OSError) as error:
        yield failed(message(error), getattr(error, "code", None))
    except GeneratorExit:
        raise
    except Exception as error:
        log.exception("in a progress stream")
        yield failed(message(error))
    finally:
        close = getattr(rest, "close", None)
        if close is not None:
            close()


def failed(text: str, code: object = None) -> bytes:
    """`code`: a build step's exit code."""
    detail = {"code": code, "message": text} if isinstance(code, int) else {"message": text}
    return dumps({"errorDetail": detail, "error": text}) + b"\r\n"
