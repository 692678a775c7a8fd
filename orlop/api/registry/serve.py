"""`POST /orlop/registry/serve`: a registry that is there as long as the request is.

The answer is a stream of JSON lines: {"status": "listening", "address"} and then a line for each
request. When the client goes, the listener closes; requests that run get a moment to end.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from orlop.api import tls
from orlop.api.answer import Stream
from orlop.api.call import Call
from orlop.api.exchange import Gone
from orlop.api.listen import open_tcp
from orlop.api.progress import progress
from orlop.api.registry.application import Registry
from orlop.api.registry.guard import from_htpasswd
from orlop.api.server import Listener, Server, in_background
from orlop.errors import InvalidArgument, NotFound
from orlop.image.mirror import Mirror, upstream

_PORT = 5000
_GRACE = 3.0  # seconds


def serve(call: Call) -> Stream:
    """Query: addr, tlscert, tlskey, tlsclientca, htpasswd (paths of the daemon's host), readonly,
    insecure; proxy: the URL of a registry to mirror, with credentials for it as for a pull."""
    address = call.text("addr") or "127.0.0.1"
    certificate, key = call.text("tlscert"), call.text("tlskey")
    if bool(certificate) != bool(key):
        raise InvalidArgument("a certificate and its key go together: --tlscert and --tlskey")
    if call.text("tlsclientca") and not certificate:
        raise InvalidArgument(
            "--tlsclientca needs --tlscert and --tlskey: without TLS nobody shows a certificate"
        )
    wrap = None
    if certificate:
        authority = call.text("tlsclientca")
        wrap = tls.wrapper(tls.context(certificate, key, authority, verify=bool(authority)))
    try:
        guard = from_htpasswd(call.text("htpasswd")) if call.text("htpasswd") else None
    except OSError as error:
        raise NotFound(f"{call.text('htpasswd')}: {(error.strerror or '').lower()}") from None
    images, proxy = call.engine.images, call.text("proxy")
    mirror = Mirror(images, upstream(images, proxy), call.auth()) if proxy else None
    listeners = open_tcp(address, _PORT, wrap)
    read_only = call.flag("readonly") or mirror is not None
    trusted = bool(certificate and call.text("tlsclientca"))
    if not call.flag("insecure"):
        private = mirror is not None and call.auth() is not None
        free = trusted or (read_only and not private)
        _check(listeners, secret=guard is not None, tls=bool(wrap), free=free)
    queue: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    application = Registry(
        call.engine.published,
        guard=guard,
        read_only=read_only,
        report=lambda line: queue.put({"status": line}),
        mirror=mirror,
    )
    return progress(_lines(application, listeners, queue, call.gone), eager=False)


def _check(listeners: list[Listener], *, secret: bool, tls: bool, free: bool) -> None:
    """Beyond this host: passwords need TLS, and writing needs to know who writes."""
    for listener in listeners:
        host = listener.sock.getsockname()[0]
        if ipaddress.ip_address(host).is_loopback:
            continue
        problem = ""
        if secret and not tls:
            problem = "passwords would cross the network in the clear: use --tlscert and --tlskey"
        elif not secret and not free:
            problem = (
                "everyone who reaches it may replace images, or read what your credentials may: "
                "use --auth or --read-only"
            )
        if problem:
            for each in listeners:
                each.sock.close()
            raise InvalidArgument(f"refusing to serve on {host}: {problem} (--insecure allows it)")


def _lines(
    application: Registry,
    listeners: list[Listener],
    queue: SimpleQueue[dict[str, Any] | None],
    gone: Gone,
) -> Iterator[dict[str, Any]]:
    server = Server(application)
    for listener in listeners:
        server.listen(listener)
    thread = in_background(server)
    gone.call(lambda: queue.put(None))
    try:
        for listener in listeners:
            yield {"status": "listening", "address": listener.address}
        while (line := queue.get()) is not None:
            yield line
    finally:
        server.stop(_GRACE)
        thread.join(_GRACE + 2)
        application.sessions.close()
        application.published.images.blobs.trim()
