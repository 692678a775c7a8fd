"""A registry in memory whose answers tests can bend: cuts, stalls, refusals, lies.

`Registry()` serves the v2 API on a loopback port. `registry.rules` are called with each `Request`
before the normal answer; the first that returns a `Response` decides. `registry.seen` is the log.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None  # send that many body bytes, then drop the connection
    stall: threading.Event | None = None  # after the cut point: wait for the event instead
    drop: bool = False  # close without any answer


Rule = Callable[[Request], Response | None]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    def __init__(self, *, context: ssl.SSLContext | None = None, page: int = 0) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytes] = {}
        self.rules: list[Rule] = []
        self.seen: list[Request] = []
        self.page = page
        self.errors = 0
        self.sent = 0  # blob bytes that left
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.registry = self
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # content

    def add_blob(self, name: str, data: bytes) -> str:
        self.blobs[name, digest(data)] = data
        return digest(data)

    def add_manifest(self, name: str, tag: str, data: bytes, kind: str = DOCKER_MANIFEST) -> str:
        self.manifests[name, tag] = self.manifests[name, digest(data)] = (kind, data)
        return digest(data)

    def add_image(
        self,
        name: str,
        tag: str,
        layers: list[bytes],
        config: dict[str, Any],
        *,
        layer_type: str = "application/vnd.docker.image.rootfs.diff.tar.gzip",
        kind: str = DOCKER_MANIFEST,
        config_type: str = "application/vnd.docker.container.image.v1+json",
    ) -> str:
        """Store an image from compressed layers and its config; returns the manifest's digest."""
        raw = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {
                "mediaType": config_type,
                "size": len(raw),
                "digest": self.add_blob(name, raw),
            },
            "layers": [
                {"mediaType": layer_type, "size": len(b), "digest": self.add_blob(name, b)}
                for b in layers
            ],
        }
        return self.add_manifest(name, tag, json.dumps(manifest).encode(), kind)

    # the API

    def answer(self, request: Request) -> Response:
        for rule in self.rules:
            response = rule(request)
            if response is not None:
                return response
        if request.path in ("/v2/", "/v2"):
            return Response(200, b"{}")
        for pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found is not None:
                result: Response = handler(self, request, *found.groups())
                return result
        return error(404, "NAME_UNKNOWN", "repository name not known to registry")

    def _manifest(self, request: Request, name: str, reference: str) -> Response:
        if request.method == "PUT":
            kind = request.headers.get("content-type", "")
            shown = self.add_manifest(name, reference, request.body, kind)
            return Response(201, b"", {"Docker-Content-Digest": shown})
        found = self.manifests.get((name, reference))
        if found is None:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        kind, data = found
        return Response(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest(data)})

    def _blob(self, request: Request, name: str, wanted: str) -> Response:
        data = self.blobs.get((name, wanted))
        if data is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        wish = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if wish is None:
            return Response(200, data, {"Docker-Content-Digest": wanted})
        start = int(wish[1])
        if start >= len(data):
            return Response(416)
        shown = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return Response(206, data[start:], {"Content-Range": shown})

    def _start_upload(self, request: Request, name: str) -> Response:
        if "mount" in request.query:
            wanted, source = request.query["mount"][0], request.query["from"][0]
            data = self.blobs.get((source, wanted))
            if data is not None:
                self.blobs[name, wanted] = data
                return Response(201, b"", {"Location": f"/v2/{name}/blobs/{wanted}"})
        key = secrets.token_hex(8)
        self.uploads[key] = b""
        return Response(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{key}?_state=x"})

    def _upload(self, request: Request, name: str, key: str) -> Response:
        if key not in self.uploads:
            return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        data = self.uploads[key] = self.uploads[key] + request.body
        if request.method == "PATCH":
            return Response(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{key}?_state=y"})
        wanted = request.query["digest"][0]
        if digest(data) != wanted:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[name, wanted] = data
        del self.uploads[key]
        return Response(201, b"", {"Location": f"/v2/{name}/blobs/{wanted}"})

    def _tags(self, request: Request, name: str) -> Response:
        tags = sorted(t for n, t in self.manifests if n == name and ":" not in t)
        if not tags:
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        last = request.query.get("last", [""])[0]
        rest = [t for t in tags if t > last]
        headers = {}
        if self.page and len(rest) > self.page:
            rest = rest[: self.page]
            link = f"/v2/{name}/tags/list?last={rest[-1]}&n={self.page}"
            headers["Link"] = f'<{link}>; rel="next"'
        return Response(200, json.dumps({"name": name, "tags": rest}).encode(), headers)


_ROUTES: list[tuple[str, Callable[..., Response]]] = [
    (r"/v2/(.+)/manifests/([^/]+)", Registry._manifest),
    (r"/v2/(.+)/blobs/uploads/", Registry._start_upload),
    (r"/v2/(.+)/blobs/uploads/([^/]+)", Registry._upload),
    (r"/v2/(.+)/blobs/([^/]+)", Registry._blob),
    (r"/v2/(.+)/tags/list", Registry._tags),
]


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    registry: Registry

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.registry.errors += 1  # broken clients are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        request = Request(self.command, parts.path, parse_qs(parts.query), headers, self._body())
        registry = self.server.registry
        registry.seen.append(request)
        response = registry.answer(request)
        if response.drop:
            self._hang_up()
            return
        self.send_response(response.status)
        for key, value in response.headers.items():
            self.send_header(key, value)
        if "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        body = response.body if response.cut is None else response.body[: response.cut]
        if "/blobs/" in parts.path and response.status in (200, 206):
            registry.sent += len(body)  # before the client can see it
        self.wfile.write(body)
        self.wfile.flush()
        if response.stall is not None:
            response.stall.wait(30)
        if response.cut is not None or response.stall is not None:
            self._hang_up()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            out = b""
            while size := int(self.rfile.readline(), 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve
