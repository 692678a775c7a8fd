"""Malformed and hostile HTTP on a raw socket: a 4xx (or a closed connection), once, and alive."""

from __future__ import annotations

import time

import pytest
from harness import Client, Served

PROMPT = 0.1  # seconds
OK = b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"
CREATE = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"

CASES: dict[str, bytes] = {
    "nothing": b"",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "line noise": b"\x00\xff\xfe\r\n\r\n",
    "no version": b"GET /_ping\r\n\r\n",
    "version 0.9": b"GET /_ping HTTP/0.9\r\nHost: d\r\n\r\n",
    "version 2.0": b"GET /_ping HTTP/2.0\r\nHost: d\r\n\r\n",
    "version 3": b"GET /_ping HTTP/3\r\nHost: d\r\n\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower-case protocol": b"GET /_ping http/1.1\r\nHost: d\r\n\r\n",
    "two spaces": b"GET  /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    "tab as space": b"GET\t/_ping\tHTTP/1.1\r\nHost: d\r\n\r\n",
    "leading space": b" GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    "method with colon": b"GE:T /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    "method of 64 KB": b"G" * 65536 + b" /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    "space in the path": b"GET /_ping x HTTP/1.1\r\nHost: d\r\n\r\n",
    "NUL in the path": b"GET /_pi\x00ng HTTP/1.1\r\nHost: d\r\n\r\n",
    "high bytes in the path": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: d\r\n\r\n",
    "no host": b"GET /_ping HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "header without colon": b"GET /_ping HTTP/1.1\r\nHost: d\r\nnonsense\r\n\r\n",
    "header with empty name": b"GET /_ping HTTP/1.1\r\nHost: d\r\n: x\r\n\r\n",
    "space before colon": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA : x\r\n\r\n",
    "space in a header name": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA B: x\r\n\r\n",
    "NUL in a header": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA: x\x00y\r\n\r\n",
    "CR in a header": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA: x\ry\r\n\r\n",
    "folded first header": b"GET /_ping HTTP/1.1\r\n x: y\r\nHost: d\r\n\r\n",
    "bare LF everywhere": b"GET /_ping HTTP/1.1\nHost: d\n\n",
    "bare LF in a header": b"GET /_ping HTTP/1.1\r\nHost: d\nA: b\r\n\r\n",
    "bare LF as the end": b"GET /_ping HTTP/1.1\r\nHost: d\r\n\n",
    "LF CR": b"GET /_ping HTTP/1.1\n\rHost: d\n\r\n\r",
    "length and chunked": CREATE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": CREATE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": CREATE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "list of lengths": CREATE + b"Content-Length: 2, 3\r\n\r\n{}x",
    "negative length": CREATE + b"Content-Length: -2\r\n\r\n{}",
    "length +2": CREATE + b"Content-Length: +2\r\n\r\n{}",
    "hex length": CREATE + b"Content-Length: 0x2\r\n\r\n{}",
    "length with words": CREATE + b"Content-Length: 2 bytes\r\n\r\n{}",
    "length of 30 digits": CREATE + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "unicode digits": CREATE + "Content-Length: ２\r\n\r\n{}".encode(),
    "gzip coding": CREATE + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "gzip then chunked": CREATE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": CREATE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked misspelt": CREATE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunk size of words": CREATE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "negative chunk": CREATE + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "chunk size 0x2": CREATE + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "huge chunk size": CREATE + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    "chunk without end": CREATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    "chunk longer than said": CREATE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "chunk with bare LF": CREATE + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "endless chunk extension": CREATE
    + b"Transfer-Encoding: chunked\r\n\r\n2;"
    + b"a" * (2 << 20)
    + b"\r\n{}\r\n0\r\n\r\n",
    "early end of a body": CREATE + b"Content-Length: 100\r\n\r\n{}",
    "early end of chunks": CREATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "early end of a head": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA:",
    "head of 2 MB": b"GET /_ping HTTP/1.1\r\nHost: d\r\nA: " + b"a" * (2 << 20) + b"\r\n\r\n",
    "200,000 headers": b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"A: b\r\n" * 200_000 + b"\r\n",
    "path of 2 MB": b"GET /" + b"a" * (2 << 20) + b" HTTP/1.1\r\nHost: d\r\n\r\n",
    "asterisk": b"GET * HTTP/1.1\r\nHost: d\r\n\r\n",
    "CONNECT": b"CONNECT d:80 HTTP/1.1\r\nHost: d\r\n\r\n",
    "TRACE": b"TRACE /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    "a path outside": b"GET /../../etc/passwd HTTP/1.1\r\nHost: d\r\n\r\n",
    "percent without digits": b"GET /images/%/json HTTP/1.1\r\nHost: d\r\n\r\n".replace(b"images", b"x"),
    "version of 1000 digits": b"GET /v1." + b"9" * 1000 + b"/info HTTP/1.1\r\nHost: d\r\n\r\n",
    "expectation of words": CREATE + b"Expect: cake\r\nContent-Length: 2\r\n\r\n",
}  # fmt: skip


def test_there_are_sixty() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_malformed_request_is_refused_once(api: Served, name: str) -> None:
    took = 5.0
    for _ in range(3):  # the best of three: the machine may be busy
        begun = time.monotonic()
        answer = api.send(CASES[name])
        took = min(took, time.monotonic() - begun)
        if took < PROMPT:
            break
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    status = answer[9:12]
    assert not answer or status[:1] in (b"3", b"4") or status in (b"501", b"505"), answer[:200]
    assert b"Traceback" not in answer
    assert b'File "' not in answer
    assert took < PROMPT
    with api.connect() as sock:  # and the next client notices nothing
        assert Client(sock).request("GET /_ping")[0] == 200


def test_what_follows_a_malformed_request_is_not_served(api: Served) -> None:
    smuggled = CREATE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + OK
    assert api.send(smuggled).count(b"HTTP/1.1 ") == 1


def test_pipelined_requests_are_answered_in_order(api: Served) -> None:
    answer = api.send(OK + b"GET /v1.99/info HTTP/1.1\r\nHost: d\r\n\r\n" + OK)
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"200"]


def test_a_request_in_single_bytes(api: Served) -> None:
    with api.connect() as sock:
        for byte in OK:
            sock.sendall(bytes([byte]))
        assert Client(sock).answer()[0] == 200


def test_five_hundred_half_open_heads_do_not_slow_a_ping(api: Served) -> None:
    half = []
    try:
        for _ in range(500):
            sock = api.connect()
            sock.sendall(b"GET /_ping HTTP/1.1\r\nHost")
            half.append(sock)
        begun = time.monotonic()
        with api.connect() as sock:
            assert Client(sock).request("GET /_ping")[0] == 200
        assert time.monotonic() - begun < 0.1
    finally:
        for sock in half:
            sock.close()


def test_a_head_that_never_ends_is_cut_off(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orlop.api.server.HEAD_TIME", 0.05)
    monkeypatch.setattr("orlop.api.server._SWEEP", 0.02)
    with api.connect() as sock:
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost")
        assert sock.recv(100) == b""
