"""One decoded request, as handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, TypeVar

import h11
import msgspec

from orlop.api import decode
from orlop.api.exchange import Exchange, Gone
from orlop.engine import Engine
from orlop.errors import InvalidArgument

_T = TypeVar("_T")


class Call:
    __slots__ = ("_exchange", "_request", "engine", "parameters", "path", "query", "version")

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        request: h11.Request,
        *,
        path: str,
        query: Mapping[str, list[str]],
        version: tuple[int, int],
    ) -> None:
        self.engine = engine
        self.path = path
        self.query = query
        self.version = version
        self.parameters: dict[str, str] = {}
        self._exchange = exchange
        self._request = request

    @property
    def body(self) -> BinaryIO:
        return self._exchange.body  # type: ignore[return-value]

    @property
    def gone(self) -> Gone:
        return self._exchange.gone

    @property
    def method(self) -> str:
        return self._request.method.decode("ascii")

    def header(self, name: str) -> str:
        wanted = name.lower().encode()
        for key, value in self._request.headers:
            if key == wanted:
                return value.decode("latin-1")
        return ""

    def headers(self, name: str) -> list[str]:
        """Every value of a header that may come often."""
        wanted = name.lower().encode()
        return [v.decode("latin-1") for k, v in self._request.headers if k == wanted]

    def auth(self) -> dict[str, Any] | None:
        """X-Registry-Auth; None for none. One that cannot be read counts as none, as in Docker."""
        from orlop.registry.credentials import decode_header

        header = self.header("x-registry-auth")
        try:
            return decode_header(header) if header else None
        except InvalidArgument:
            return None

    def has_body(self) -> bool:
        length = self.header("content-length")
        return bool(self.header("transfer-encoding")) or length not in ("", "0")

    def text(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def texts(self, name: str) -> list[str]:
        return list(self.query.get(name) or ())

    def flag(self, name: str, default: bool = False) -> bool:
        values = self.query.get(name)
        return decode.boolean(values[0]) if values else default

    def number(self, name: str, default: int = 0) -> int:
        return decode.integer(self.text(name), default)

    def maybe_number(self, name: str) -> int | None:
        text = self.text(name)
        return decode.integer(text, 0) if text else None

    def filters(self) -> dict[str, list[str]]:
        return decode.filters(self.text("filters"))

    def json(self, shape: type, *, optional: bool = False) -> Any:
        """The body as a document of `shape`'s fields. Raises InvalidArgument naming the field."""
        if not self.has_body():
            if optional:
                return {}
            raise InvalidArgument("invalid JSON: got EOF while reading request body")
        decode.check_content_type(self.header("content-type"))
        data = self._document()
        if not data.strip():
            if optional:
                return {}
            raise InvalidArgument("invalid JSON: got EOF while reading request body")
        return decode.document(data, shape)

    def exactly(self, shape: type[_T]) -> _T:
        """The body as a `shape` of our own calls. Raises InvalidArgument."""
        decode.check_content_type(self.header("content-type"))
        try:
            return msgspec.json.decode(self._document(), type=shape)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidArgument(f"invalid JSON: {error}") from None

    def whole(self, limit: int) -> bytes:
        """The body, of no more than `limit` bytes. Raises InvalidArgument."""
        data = self._exchange.body.collect(limit, decode.BODY_TIME)
        if data is None:
            raise InvalidArgument("http: request body too large")
        return data

    def _document(self) -> bytes:
        data = self._exchange.body.collect(decode.BODY_LIMIT, decode.BODY_TIME)
        if data is None:
            raise InvalidArgument("http: request body too large")
        return data

    def upgrade(self) -> bytes:
        return self._exchange.upgrade()

    def switch(self, status: str, headers: list[str]) -> tuple[int, bytes]:
        return self._exchange.switch(status, headers)

    def hijack(self, content_type: str) -> tuple[int, bytes]:
        return self._exchange.hijack(content_type)
