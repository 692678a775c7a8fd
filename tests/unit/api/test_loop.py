from __future__ import annotations

import socket
import threading
import time
from typing import Any

from harness import Served

from orlop.api import loop as loops
from orlop.api.answer import RAW_STREAM, Hijacked
from orlop.api.call import Call
from orlop.api.loop import Loop


class _Epoll:
    """Lets another thread in between the two halves of `unwatch`."""

    def __init__(self, epoll: Any, between: Any) -> None:
        self._epoll = epoll
        self._between = between

    def unregister(self, fd: int) -> None:
        self._between()
        self._epoll.unregister(fd)

    def close(self) -> None:
        self._epoll.close()


def test_a_descriptor_is_unregistered_before_anyone_may_close_it() -> None:
    """The loop saw a client half close while its request's thread handed the connection on."""
    loop = Loop()
    ours, theirs = socket.socketpair()
    returned = threading.Event()

    def release() -> None:
        loop.unwatch(ours.fileno())
        returned.set()

    thread = threading.Thread(target=release)

    def between() -> None:
        thread.start()
        assert not returned.wait(0.05)

    with ours, theirs:
        loop.watch(ours.fileno(), loops.GONE, lambda events: None)
        loop._epoll = _Epoll(loop._epoll, between)  # type: ignore[assignment]
        loop.unwatch(ours.fileno())
        thread.join(5)
        assert returned.is_set()
    loop.close()


def test_a_client_that_left_before_the_hijack_is_no_failure(api: Served, caplog: Any) -> None:
    ended = threading.Event()

    def handler(call: Call) -> Hijacked:
        call.gone.wait(10)
        try:
            call.hijack(RAW_STREAM)
        finally:
            ended.set()
        raise AssertionError

    api.route("POST", "/t/late", handler)
    with api.connect() as sock:
        sock.sendall(b"POST /t/late HTTP/1.1\r\nHost: d\r\n\r\n")
    assert ended.wait(10)
    deadline = time.monotonic() + 10
    while api.server.connections:
        assert time.monotonic() < deadline
    assert not caplog.records
