"""Requests on threads: bodies, streams, answers that come later, hijacks, clients that leave."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from harness import Client, Served, drain, error, wait_for

from orlop.api import models
from orlop.api.answer import RAW_STREAM, Answer, Hijacked, Later, Reply, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.errors import Conflict, NotFound, NotModified


def test_ping_has_dockers_headers(client: Client) -> None:
    status, headers, body = client.request("GET /_ping")
    assert (status, body) == (200, b"OK")
    assert headers["api-version"] == "1.50"
    assert headers["ostype"] == "linux"
    assert headers["docker-experimental"] == "false"
    assert headers["swarm"] == "inactive"
    assert client.request("HEAD /_ping")[0] == 200
    assert client.request("GET /v1.41/_ping")[0] == 200


def test_body_with_a_length_and_in_chunks(api: Served, client: Client) -> None:
    api.route("POST", "/t/sum", lambda call: Answer(200, str(sum(call.body.read())).encode()))
    data = os.urandom(1 << 20)
    wanted = str(sum(data)).encode()
    assert client.request("POST /t/sum", data)[2] == wanted
    client.sock.sendall(b"POST /t/sum HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(data), 50_000):
        piece = data[start : start + 50_000]
        client.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    client.sock.sendall(b"0\r\n\r\n")
    assert client.answer()[2] == wanted


def test_body_reads_like_a_file(api: Served, client: Client) -> None:
    def handler(call: Call) -> Reply:
        first = call.body.read(3)
        buffer = bytearray(4)
        count = call.body.readinto(buffer)  # type: ignore[attr-defined]
        return Answer(200, first + b"|" + buffer[:count] + b"|" + call.body.read())

    api.route("POST", "/t/file", handler)
    assert client.request("POST /t/file", b"0123456789")[2] == b"012|3456|789"


def test_a_long_body_waits_for_its_reader(api: Served) -> None:
    """Back-pressure: what the handler does not read stays with the client."""
    go, seen = threading.Event(), threading.Event()
    total = 64 << 20

    def handler(call: Call) -> Reply:
        seen.set()
        wait_for(go)
        count = 0
        while data := call.body.read(1 << 20):
            count += len(data)
        return Answer(200, str(count).encode())

    api.route("PUT", "/t/slow", handler)
    with api.connect() as sock:
        sock.sendall(f"PUT /t/slow HTTP/1.1\r\nHost: d\r\nContent-Length: {total}\r\n\r\n".encode())
        wait_for(seen)
        sock.setblocking(False)
        sent, block = 0, bytes(1 << 20)
        try:
            while sent < total:
                sent += sock.send(block[: total - sent])
        except BlockingIOError:
            pass
        assert sent < 8 << 20
        go.set()
        sock.setblocking(True)
        while sent < total:
            sent += sock.send(block[: total - sent])
        assert Client(sock).answer()[2] == str(total).encode()


def test_expect_100_continue(api: Served, client: Client) -> None:
    api.route("POST", "/t/echo", lambda call: Answer(200, call.body.read()))
    client.sock.sendall(
        b"POST /t/echo HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    assert client.answer()[0] == 100
    client.sock.sendall(b"hi")
    assert client.answer()[2] == b"hi"


def test_unread_body_closes_the_connection_after_the_answer(api: Served, client: Client) -> None:
    api.route("POST", "/t/no", lambda call: Answer(400, b"{}"))
    client.sock.sendall(b"POST /t/no HTTP/1.1\r\nHost: d\r\nContent-Length: 9999999\r\n\r\nabc")
    status, headers, _ = client.answer()
    assert status == 400
    assert headers["connection"] == "close"
    client.sock.shutdown(socket.SHUT_WR)
    assert drain(client.sock) == b""


def test_errors_become_statuses(api: Served, client: Client) -> None:
    def failing(kind: Exception) -> None:
        def handler(call: Call) -> Reply:
            raise kind

        api.route("GET", f"/t/{type(kind).__name__}", handler)

    failing(NotFound("No such container: x"))
    failing(Conflict("taken"))
    failing(NotModified("same"))
    failing(ZeroDivisionError("secret text"))
    failing(FileNotFoundError(2, "No such file or directory", "/x"))
    status, _, body = client.request("GET /t/NotFound")
    assert (status, error(body)) == (404, "No such container: x")
    assert client.request("GET /t/Conflict")[0] == 409
    assert client.request("GET /t/NotModified")[0] == 304
    status, _, body = client.request("GET /t/ZeroDivisionError")
    assert status == 500
    assert b"secret" not in body
    assert b"Traceback" not in body
    assert error(client.request("GET /t/FileNotFoundError")[2]) == "/x: no such file or directory"


def test_stream_arrives_piece_by_piece(api: Served, client: Client) -> None:
    go = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"one"
        wait_for(go)
        yield b"two"

    api.route("GET", "/t/stream", lambda call: Stream(chunks()))
    client.sock.sendall(b"GET /t/stream HTTP/1.1\r\nHost: d\r\n\r\n")
    while b"\r\n\r\n" not in client.buffer:
        client._more()
    client.buffer = client.buffer.partition(b"\r\n\r\n")[2]
    assert client.chunk() == b"one"
    go.set()
    assert client.chunk() == b"two"
    assert client.chunk() == b""
    assert client.request("GET /_ping")[0] == 200  # the connection lives on


def test_stream_is_closed_when_the_client_goes(api: Served) -> None:
    closed, waiting = threading.Event(), threading.Event()

    def handler(call: Call) -> Reply:
        def chunks() -> Iterator[bytes]:
            try:
                yield b"x"
                waiting.set()
                call.gone.wait(30)
                yield b"y"
            finally:
                closed.set()

        return Stream(chunks())

    api.route("GET", "/t/left", handler)
    with api.connect() as sock:
        sock.sendall(b"GET /t/left HTTP/1.1\r\nHost: d\r\n\r\n")
        wait_for(waiting)
    wait_for(closed)


def test_a_client_that_does_not_read_holds_up_nobody(api: Served, client: Client) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(65536)

    api.route("GET", "/t/endless", lambda call: Stream(endless()))
    stuck = [api.connect() for _ in range(20)]
    for sock in stuck:
        sock.sendall(b"GET /t/endless HTTP/1.1\r\nHost: d\r\n\r\n")
        assert sock.recv(10)
    assert client.request("GET /_ping")[0] == 200
    for sock in stuck:
        sock.close()


def test_a_stream_that_breaks_off_is_no_whole_body(api: Served, client: Client) -> None:
    def broken() -> Iterator[bytes]:
        yield b"part"
        raise ZeroDivisionError

    api.route("GET", "/t/broken", lambda call: Stream(broken()))
    with pytest.raises(EOFError):
        client.request("GET /t/broken")


def test_what_a_stream_may_meet_is_logged_in_a_line(
    api: Served, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"part"
        raise NotFound("the file went away")

    api.route("GET", "/t/gone", lambda call: Stream(broken()))
    with pytest.raises(EOFError):
        client.request("GET /t/gone")
    (record,) = [r for r in caplog.records if "/t/gone" in r.message]
    assert record.message == "while answering /t/gone: the file went away"
    assert not record.exc_info


def test_progress_ends_with_the_error(api: Served, client: Client) -> None:
    def messages(fail_at_once: bool) -> Iterator[dict[str, str]]:
        if not fail_at_once:
            yield {"status": "pulling"}
        raise NotFound("manifest unknown")

    api.route("POST", "/t/late", lambda call: progress(messages(False)))
    api.route("POST", "/t/early", lambda call: progress(messages(True)))
    status, headers, body = client.request("POST /t/late")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body.split(b"\r\n") == [
        b'{"status":"pulling"}',
        b'{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}',
        b"",
    ]
    assert client.request("POST /t/early")[0] == 404


def test_later_sends_the_head_at_once(api: Served, client: Client) -> None:
    future: Future[int] = Future()
    api.route("POST", "/t/later", lambda call: Later(future, lambda n: str(n).encode()))
    client.sock.sendall(b"POST /t/later HTTP/1.1\r\nHost: d\r\n\r\n")
    while b"\r\n\r\n" not in client.buffer:
        client._more()
    client.buffer = client.buffer.partition(b"\r\n\r\n")[2]
    future.set_result(7)
    assert client.chunk() == b"7"
    assert client.chunk() == b""
    assert client.request("GET /_ping")[0] == 200


def test_later_is_cancelled_when_the_client_goes(api: Served) -> None:
    future: Future[int] = Future()
    cancelled = threading.Event()
    future.add_done_callback(lambda f: cancelled.set() if f.cancelled() else None)
    api.route("POST", "/t/never", lambda call: Later(future, lambda n: b""))
    with api.connect() as sock:
        sock.sendall(b"POST /t/never HTTP/1.1\r\nHost: d\r\n\r\n")
        assert sock.recv(10)
    wait_for(cancelled)


def hijacker(api: Served) -> list[tuple[int, bytes]]:
    taken: list[tuple[int, bytes]] = []

    def handler(call: Call) -> Reply:
        call.json(models.ExecStart, optional=True)
        fd, leftover = call.hijack(RAW_STREAM)
        taken.append((fd, leftover))
        with socket.socket(fileno=fd) as sock:
            sock.sendall(b"<" + leftover + b">")
            while data := sock.recv(100):
                sock.sendall(data.upper())
            sock.sendall(b"!")
        return Hijacked()

    api.route("POST", "/t/hijack", handler)
    return taken


def test_hijack_with_upgrade(api: Served, client: Client) -> None:
    hijacker(api)
    client.sock.sendall(
        b"POST /t/hijack HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}early"
    )
    client.sock.sendall(b"later")
    client.sock.shutdown(socket.SHUT_WR)  # half-close: the stream still answers
    answer = drain(client.sock)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\n")
    assert b"Content-Type: application/vnd.docker.raw-stream" in head
    assert b"Upgrade: tcp" in head
    assert rest.replace(b"<", b"").replace(b">", b"").lower() == b"earlylater!"


def test_hijack_without_upgrade_gives_a_raw_200(api: Served, client: Client) -> None:
    hijacker(api)
    client.sock.sendall(b"POST /t/hijack HTTP/1.1\r\nHost: d\r\n\r\n")
    client.sock.sendall(b"x")
    client.sock.shutdown(socket.SHUT_WR)
    answer = drain(client.sock)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream")
    assert b"chunked" not in answer
    assert answer.endswith(b"!")


def test_hijack_after_a_body_and_without_upgrade_waits_for_nothing(
    api: Served, client: Client
) -> None:
    hijacker(api)
    client.sock.sendall(
        b"POST /t/hijack HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    assert client.sock.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_nothing_comes_with_the_head_of_a_stream(api: Served, client: Client) -> None:
    """docker-py reads heads through a buffer and streams below it: what came along was lost."""
    written = threading.Event()

    def handler(call: Call) -> Reply:
        fd, _ = call.hijack("application/vnd.docker.raw-stream")
        with socket.socket(fileno=fd) as stream:
            stream.sendall(b"hello")
            written.set()
        return Hijacked()

    api.route("POST", "/t/prompt", handler)
    client.sock.sendall(b"POST /t/prompt HTTP/1.1\r\nHost: d\r\n\r\n")
    assert not written.wait(0.02)  # a client that is slow to read
    assert client.sock.recv(65536).endswith(b"\r\n\r\n")
    assert drain(client.sock) == b"hello"


def test_hijack_refused_before_it_began(api: Served, client: Client) -> None:
    def handler(call: Call) -> Reply:
        raise NotFound("No such container: x")

    api.route("POST", "/t/refused", handler)
    status, _, body = client.request("POST /t/refused", Connection="Upgrade", Upgrade="tcp")
    assert (status, error(body)) == (404, "No such container: x")
    assert client.request("GET /_ping")[0] == 200


def test_keep_alive_and_close(api: Served, client: Client) -> None:
    for _ in range(3):
        assert client.request("GET /nosuch")[0] == 404
    client.request("GET /nosuch", Connection="close")
    assert client.sock.recv(1) == b""


def test_http_1_0(api: Served) -> None:
    api.route("GET", "/t/old", lambda call: Stream(iter([b"a", b"b"])))
    answer = api.send(b"GET /t/old HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nab")


def test_head_has_no_body(api: Served, client: Client) -> None:
    api.route("HEAD", "/t/head", lambda call: Answer(404, b'{"message":"x"}'))
    status, headers, _ = client.request("HEAD /t/head")
    assert (status, headers["content-length"]) == (404, "15")
    assert client.request("GET /_ping")[0] == 200


def test_stop_ends_streams_and_lets_requests_end(api: Served) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(call: Call) -> Reply:
        begun.set()
        wait_for(go)
        return Answer(200, b"done")

    def stream(call: Call) -> Reply:
        def chunks() -> Iterator[bytes]:
            yield b"x"
            call.gone.wait()

        return Stream(chunks())

    api.route("GET", "/t/slow", slow)
    api.route("GET", "/t/follow", stream)
    with api.connect() as one, api.connect() as two:
        one.sendall(b"GET /t/slow HTTP/1.1\r\nHost: d\r\n\r\n")
        two.sendall(b"GET /t/follow HTTP/1.1\r\nHost: d\r\n\r\n")
        assert two.recv(10)
        wait_for(begun)
        api.server.stop(5)
        drain(two)
        go.set()
        assert drain(one).endswith(b"done")
    api.thread.join(5)
    assert not api.thread.is_alive()
