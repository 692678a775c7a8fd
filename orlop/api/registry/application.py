"""From an HTTP request to a handler of the built-in registry: paths, credentials, failures."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from urllib.parse import unquote

import h11

from orlop.api import decode, origin
from orlop.api.answer import Answer, Headers, Reply
from orlop.api.connection import Connection
from orlop.api.exchange import Disconnected, Exchange
from orlop.api.registry import blobs, listing, manifests, uploads
from orlop.api.registry.guard import Guard
from orlop.api.registry.mirrored import mirrored
from orlop.api.registry.problem import Problem, answer_for
from orlop.api.registry.request import Request
from orlop.api.registry.sessions import Sessions
from orlop.errors import Forbidden, OrlopError
from orlop.image.mirror import Mirror
from orlop.image.published import Published

log = logging.getLogger(__name__)

_IDENTITY: Headers = (
    ("Docker-Distribution-API-Version", "registry/2.0"),
    ("X-Content-Type-Options", "nosniff"),
)
_Handler = Callable[[Request], Reply]
_ROUTES: tuple[tuple[str, dict[str, _Handler]], ...] = (
    (r"/v2/_catalog()()", {"GET": listing.catalog}),
    (r"/v2/(.+)/tags/list()", {"GET": listing.tags}),
    (r"/v2/(.+)/referrers/([^/]+)", {"GET": manifests.referrers}),
    (
        r"/v2/(.+)/manifests/([^/]+)",
        {
            "GET": manifests.get,
            "HEAD": manifests.get,
            "PUT": manifests.put,
            "DELETE": manifests.delete,
        },
    ),
    (r"/v2/(.+)/blobs/uploads/?()", {"POST": uploads.post}),
    (
        r"/v2/(.+)/blobs/uploads/([^/]+)",
        {
            "GET": uploads.get,
            "PATCH": uploads.patch,
            "PUT": uploads.put,
            "DELETE": uploads.delete,
        },
    ),
    (
        r"/v2/(.+)/blobs/([^/]+)",
        {"GET": blobs.get, "HEAD": blobs.head, "DELETE": blobs.delete},
    ),
)
_COMPILED = [(re.compile(pattern, re.ASCII), handlers) for pattern, handlers in _ROUTES]


class Registry:
    """`guard` says who may come in; `read_only` refuses all that writes; `report` gets a line
    for each request that was answered."""

    def __init__(
        self,
        published: Published,
        *,
        guard: Guard | None,
        read_only: bool,
        report: Callable[[str], None],
        mirror: Mirror | None = None,
    ) -> None:
        self.published = published
        self.sessions = Sessions(published.images.blobs)
        self._guard = guard
        self._read_only = read_only
        self._report = report
        self._mirror = mirror  # of another registry; nothing of this host is published then

    def quick(self, connection: Connection, request: h11.Request) -> Answer | None:
        return None

    def serve(self, exchange: Exchange, request: h11.Request) -> None:
        exchange.identify(_IDENTITY)
        try:
            answer = self._answer(exchange, request)
        except Disconnected:
            exchange.abandon()
            return
        except Problem as problem:
            answer = problem.answer()
        except (OrlopError, OSError) as error:
            answer = answer_for(error)
        except h11.ProtocolError as error:
            answer = Problem("BLOB_UPLOAD_INVALID", f"malformed HTTP request: {error}").answer()
        except Exception:
            log.exception("in the registry")
            answer = Problem("UNKNOWN").answer()
        path = request.target.partition(b"?")[0].decode("ascii", "replace")
        self._report(f"{request.method.decode('ascii')} {path} {_status(answer)}")
        exchange.answer(answer)

    def _answer(self, exchange: Exchange, request: h11.Request) -> Reply:
        raw, _, query = request.target.decode("ascii").partition("?")
        path = unquote(raw, errors="surrogateescape")
        try:
            # a page that rebinds its name to this address is a client like any other, but for this
            origin.check(request.headers, certified=True)
        except Forbidden as error:
            raise Problem("DENIED", error.message) from None
        if self._guard is not None:
            self._guard.check(request.headers)
        method = request.method.decode("ascii")
        if path in ("/v2/", "/v2"):
            return Answer(200, b"{}")
        if self._mirror is not None:
            span = next((v for k, v in request.headers if k == b"range"), b"")
            return mirrored(self._mirror, method, path, span.decode("latin-1"))
        if self._read_only and method not in ("GET", "HEAD"):
            raise Problem("UNSUPPORTED", "this registry is read-only")
        for pattern, handlers in _COMPILED:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            handler = handlers.get(method)
            if handler is None:
                raise Problem("UNSUPPORTED")
            return handler(
                Request(
                    self.published, self.sessions, exchange, request, decode.query(query),
                    found[1], found[2],
                )
            )  # fmt: skip
        raise Problem("NAME_UNKNOWN", path[:200])


def _status(answer: Reply) -> int:
    return int(getattr(answer, "status", 200))
