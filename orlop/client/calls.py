"""Requests with this library's errors: a kind of `orlop.errors` in place of an HTTP status."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orlop import errors
from orlop.client.transport import ApiError, Client, Connection, Response
from orlop.oci.jsonlite import dumps, loads

_KINDS: dict[int, type[errors.OrlopError]] = {
    304: errors.NotModified,
    400: errors.InvalidArgument,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    501: errors.NotSupported,
    503: errors.Unavailable,
}
Filters = Mapping[str, str | bool | Sequence[str]]


class Calls:
    """One daemon, or the engine in this process."""

    def __init__(self, http: Client) -> None:
        self.http = http

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The decoded answer. Raises a kind of OrlopError."""
        with declared():
            return self.http.call(method, path, body, **options)

    def raw(self, method: str, path: str) -> bytes:
        with declared():
            return self.http.raw(method, path)

    def open(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        with declared():
            return self.http.open(method, path, body, **options)

    def hijack(self, path: str, body: Any = None) -> Connection:
        with declared():
            return self.http.hijack("POST", path, body)[1]

    def stream(self, method: str, path: str, **options: Any) -> Iterator[bytes]:
        """Pieces of the body; closing the iterator hangs up."""
        response = self.open(method, path, **options)
        return _pieces(response)

    def messages(self, method: str, path: str, **options: Any) -> Iterator[dict[str, Any]]:
        """JSON objects as they come. Raises what an `error` among them says."""
        from orlop.wire import json_lines

        for message in json_lines(self.stream(method, path, **options), loads):
            if "error" in message:
                raise of_progress(str(message["error"]))
            yield message


@contextlib.contextmanager
def declared() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise _KINDS.get(error.status, errors.SystemFailure)(error.bare) from None


def of_progress(text: str) -> errors.OrlopError:
    """An error that came after the status had been sent."""
    missing = ("not found", "manifest unknown", "does not exist")
    kind = errors.NotFound if any(word in text for word in missing) else errors.SystemFailure
    return kind(text)


def filters_text(given: Filters | None) -> str | None:
    """Docker's `filters` parameter."""
    if not given:
        return None
    return dumps({key: _values(value) for key, value in given.items()})


def _values(value: str | bool | Sequence[str]) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return [value] if isinstance(value, str) else list(value)


def _pieces(response: Response) -> Iterator[bytes]:
    try:
        yield from response.chunks()
    finally:
        response.close()
