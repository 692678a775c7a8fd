"""Our two ends of gRPC with each other, and a peer that does not keep to it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import h2.connection
import h2.events
import pytest

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import (
    CANCELLED,
    LIMIT,
    NOT_FOUND,
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
    Channel,
    Incoming,
    RpcFailure,
    framed,
    server,
)  # fmt: skip
from orlop.buildkit.http2 import Broken, Connection
from orlop.errors import InvalidArgument, NotFound
from orlop.protobuf import decode, encode


class Peers:
    """A channel to a server with some methods."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.begun = threading.Event()
        methods = {
            "/t/echo": self._echo, "/t/each": self._each, "/t/hang": self._hang,
            "/t/bad": self._bad, "/t/missing": self._missing, "/t/bug": self._bug,
            "/t/half": self._half,
        }  # fmt: skip
        ours, theirs = socket.socketpair()
        self.client = Connection(ours, client=True)
        self.server = Connection(theirs, client=False, serve=server(methods))
        self.channel = Channel(self.client)
        self.threads = [
            threading.Thread(target=one.run, args=(b"",)) for one in (self.client, self.server)
        ]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        self.client.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()

    def _echo(self, call: Incoming) -> None:
        call.send(m.CHUNK, call.request(m.CHUNK))

    def _each(self, call: Incoming) -> None:
        while (found := call.receive(m.CHUNK)) is not None:
            call.send(m.CHUNK, found)

    def _hang(self, call: Incoming) -> None:
        waiting = threading.Event()
        call.gone(self.gone.set)
        call.gone(waiting.set)
        self.begun.set()
        waiting.wait(30)

    def _half(self, call: Incoming) -> None:
        call.send(m.CHUNK, {"data": b"half"})
        raise RpcFailure(UNKNOWN, "in the middle: ü\n%")

    def _bad(self, call: Incoming) -> None:
        raise InvalidArgument("that is wrong")

    def _missing(self, call: Incoming) -> None:
        raise NotFound("no such thing")

    def _bug(self, call: Incoming) -> None:
        raise ZeroDivisionError


@pytest.fixture
def peers() -> Iterator[Peers]:
    made = Peers()
    yield made
    made.close()


def call(peers: Peers, path: str, data: bytes = b"x") -> Any:
    return peers.channel.call(path, m.CHUNK, {"data": data}, m.CHUNK)


def test_one_message_each_way(peers: Peers) -> None:
    assert call(peers, "/t/echo") == {"data": b"x"}
    assert call(peers, "/t/echo", b"") == {}


def test_much_goes_through_small_windows(peers: Peers) -> None:
    data = bytes(range(256)) * 40_000  # 10 MB, ten windows
    assert call(peers, "/t/echo", data) == {"data": data}


def test_calls_side_by_side(peers: Peers) -> None:
    found: list[Any] = []

    def work(number: int) -> None:
        data = bytes([number]) * 300_000
        found.append(call(peers, "/t/echo", data) == {"data": data})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_streams_both_ways(peers: Peers) -> None:
    each = peers.channel.open("/t/each")
    for number in range(100):
        each.send_encoded([encode(m.CHUNK, {"data": b"%d" % number})] * 3)
        got = [each.receive() for _ in range(3)]
        assert [decode(m.CHUNK, one or b"") for one in got] == [{"data": b"%d" % number}] * 3
    each.send_end()
    assert each.receive() is None
    each.close()


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("/t/bad", UNKNOWN, "that is wrong"),
        ("/t/missing", NOT_FOUND, "no such thing"),
        ("/t/bug", 13, "internal error: see the daemon's log"),
        ("/t/half", UNKNOWN, "in the middle: ü\n%"),
        ("/no.such.Service/Call", UNIMPLEMENTED, "unknown method Call for service no.such.Service"),
    ],
)
def test_failures_arrive(peers: Peers, path: str, code: int, text: str) -> None:
    with pytest.raises(RpcFailure) as caught:
        call(peers, path)
    assert (caught.value.code, caught.value.message) == (code, text)


def test_too_long_a_message(peers: Peers) -> None:
    with pytest.raises(RpcFailure) as caught:
        call(peers, "/t/echo", bytes(LIMIT + 1))
    assert caught.value.code in (RESOURCE_EXHAUSTED, UNAVAILABLE)


def test_a_caller_that_gives_up_is_noticed(peers: Peers) -> None:
    hanging = peers.channel.open("/t/hang")
    assert peers.begun.wait(10)
    hanging.close()
    assert peers.gone.wait(10)


def test_a_caller_that_is_killed_is_noticed(peers: Peers) -> None:
    peers.channel.open("/t/hang")
    assert peers.begun.wait(10)
    peers.client.close()
    assert peers.gone.wait(10)


def test_a_server_that_is_killed_is_noticed(peers: Peers) -> None:
    hanging = peers.channel.open("/t/hang")
    assert peers.begun.wait(10)
    peers.server.close()
    with pytest.raises(RpcFailure) as caught:
        hanging.receive()
    assert caught.value.code == CANCELLED
    with pytest.raises(RpcFailure):
        call(peers, "/t/echo")


# --- a peer that lies -----------------------------------------------------------------------------


class Raw:
    """A client by hand."""

    def __init__(self) -> None:
        self.calls: list[BaseException | bytes | None] = []
        self.done = threading.Event()
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(10)
        self.connection = Connection(theirs, client=False, serve=self._serve)
        self.thread = threading.Thread(target=self.connection.run, args=(b"",))
        self.thread.start()
        self.http = h2.connection.H2Connection()

    def _serve(self, stream: Any) -> None:
        try:
            self.calls.append(Incoming(stream)._messages.next())
        except (RpcFailure, Broken) as error:
            self.calls.append(error)
        self.done.set()

    def begin(self) -> None:
        self.http.initiate_connection()
        headers = [(":method", "POST"), (":path", "/x"), (":scheme", "http"), (":authority", "x")]
        self.http.send_headers(1, headers)

    def flush(self) -> None:
        self.sock.sendall(self.http.data_to_send())

    def close(self) -> None:
        self.sock.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def raw() -> Iterator[Raw]:
    made = Raw()
    yield made
    made.close()


def test_no_http2_at_all(raw: Raw) -> None:
    raw.sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
    raw.thread.join(10)
    assert not raw.thread.is_alive()
    assert raw.calls == []


def test_a_frame_longer_than_allowed(raw: Raw) -> None:
    raw.begin()
    raw.flush()
    head = (1 << 20).to_bytes(3, "big") + b"\0\0" + (1).to_bytes(4, "big")
    with contextlib.suppress(OSError):
        raw.sock.sendall(head + bytes(2 << 20))
    raw.thread.join(10)
    assert not raw.thread.is_alive()


def test_a_length_beyond_the_limit_is_not_waited_for(raw: Raw) -> None:
    raw.begin()
    raw.http.send_data(1, b"\0" + (LIMIT + 1).to_bytes(4, "big") + b"x")
    raw.flush()
    assert raw.done.wait(10)
    (found,) = raw.calls
    assert isinstance(found, RpcFailure)
    assert found.code == RESOURCE_EXHAUSTED


def test_a_message_that_is_cut_short(raw: Raw) -> None:
    raw.begin()
    raw.http.send_data(1, framed(b"whole")[:-1], end_stream=True)
    raw.flush()
    assert raw.done.wait(10)
    (found,) = raw.calls
    assert isinstance(found, RpcFailure)


def test_more_than_the_window_is_refused(raw: Raw) -> None:
    """What nobody reads is bounded: h2 ends the connection of a peer that ignores windows."""
    raw.begin()
    raw.flush()
    assert raw.done.is_set() is False
    frame = (16384).to_bytes(3, "big") + b"\0\0" + (3).to_bytes(4, "big") + bytes(16384)
    with contextlib.suppress(OSError):
        raw.sock.sendall(frame * 10_000)
    raw.thread.join(10)
    assert not raw.thread.is_alive()


def test_a_call_that_we_give_up_wakes_who_waits_for_it(peers: Peers) -> None:
    hanging = peers.channel.open("/t/hang")
    assert peers.begun.wait(10)
    found: list[RpcFailure] = []

    def wait() -> None:
        with pytest.raises(RpcFailure) as caught:
            hanging.receive()
        found.append(caught.value)

    thread = threading.Thread(target=wait)
    thread.start()
    hanging.close()
    thread.join(10)
    assert not thread.is_alive()
    assert found
