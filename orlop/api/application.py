"""From an HTTP request to a handler and back: origins, versions, routes, errors."""

from __future__ import annotations

import logging
import posixpath
import re
from urllib.parse import unquote

import h11

from orlop import files
from orlop.api import decode, origin, versions
from orlop.api.answer import TEXT, Answer, Headers, Reply
from orlop.api.call import Call
from orlop.api.connection import Connection
from orlop.api.encode import failure
from orlop.api.exchange import Disconnected, Exchange
from orlop.api.release import ENGINE_VERSION
from orlop.api.router import Router, split_version
from orlop.api.routes import build
from orlop.api.status import message, status
from orlop.api.versions import requests
from orlop.engine import Engine
from orlop.errors import OrlopError

log = logging.getLogger(__name__)

_IDENTITY: Headers = (
    ("Api-Version", versions.text(versions.CURRENT)),
    ("Docker-Experimental", "false"),
    ("Ostype", "linux"),
    ("Server", f"Docker/{ENGINE_VERSION} (linux)"),
)
PING = Answer(
    200,
    b"OK",
    TEXT,
    (
        *_IDENTITY,
        ("Builder-Version", "2"),
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("Pragma", "no-cache"),
        ("Swarm", "inactive"),
    ),
)
_PING_PATH = re.compile(rb"(?:/v1\.\d{2})?/_ping", re.ASCII)
_NO_PAGE = Answer(404, failure("page not found"))


class Orlop:
    """The engine behind HTTP."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.router: Router = build()

    def quick(self, connection: Connection, request: h11.Request) -> Answer | None:
        if not connection.local or not _PING_PATH.fullmatch(request.target):
            return None
        if request.method not in (b"GET", b"HEAD"):
            return None
        if request.target != b"/_ping":
            version = request.target[4:6]
            if not versions.MINIMUM[1] <= int(version) <= versions.CURRENT[1]:
                return None
        return PING

    def serve(self, exchange: Exchange, request: h11.Request) -> None:
        answer: Reply
        try:
            answer = self._answer(exchange, request)
        except Disconnected:
            exchange.abandon()
            return
        except h11.ProtocolError as error:
            answer = Answer(400, failure(f"malformed HTTP request: {error}"))
        except versions.TooOld as error:
            answer = Answer(400, error.message.encode() + b"\n", TEXT)
        except (OrlopError, OSError) as error:
            code = status(error)
            if code == 500:
                log.error("%s: %s", _shown(request), message(error))
            answer = Answer(code, failure(message(error))) if code != 304 else Answer(304, b"", "")
        except Exception as error:
            log.exception("in %s", _shown(request))
            answer = Answer(500, failure(message(error)))
        if exchange.hijacked:
            exchange.abandon()  # nothing can be told any more
            return
        exchange.answer(answer)

    def _answer(self, exchange: Exchange, request: h11.Request) -> Reply:
        exchange.identify(_IDENTITY)
        connection = exchange.connection
        if not connection.local:
            origin.check(request.headers, certified=connection.secure)
        raw, _, query = request.target.decode("ascii").partition("?")
        path = unquote(_without_host(raw), errors="surrogateescape")
        clean = _clean(path)
        if clean != path:
            where = clean + (f"?{query}" if query else "")
            return Answer(301, b"", "", (("Location", where),))
        given, rest = split_version(path)
        version = versions.parse(given)
        method = request.method.decode("ascii")
        if method == "OPTIONS":
            return Answer(200, b"", "")
        found = self.router.find(method, rest)
        if found is None or version < found[0].since:
            return _NO_PAGE
        route, parameters = found
        asked = decode.query(query)
        for name in requests.unknown(route.name, version):
            asked.pop(name, None)
        call = Call(
            self._engine,
            exchange,
            request,
            path=rest,
            query=asked,
            version=version,
        )
        call.parameters = parameters
        if request.method == b"DELETE" or request.target.partition(b"?")[0].endswith(b"/prune"):
            with files.making_room(self._engine.reserve):
                return route.handler(call)
        return route.handler(call)


def _without_host(target: str) -> str:
    """Absolute form (RFC 9112 3.2.2) to its path."""
    if target.startswith("/"):
        return target
    _, separator, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if separator else "/" + target


def _clean(path: str) -> str:
    if "//" not in path and "/." not in path:
        return path
    clean = "/" + posixpath.normpath(path).lstrip("/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _shown(request: h11.Request) -> str:
    """For the log: no query (it may hold what nobody should read), no header."""
    path = request.target.partition(b"?")[0]
    return f"{request.method.decode('ascii')} {path.decode('ascii', 'replace')}"
