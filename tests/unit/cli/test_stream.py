"""Frames, detach keys, and the pump between descriptors and a connection."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from orlop.cli import stream
from orlop.cli.stream import DEFAULT_KEYS, Detached, Escape, Frames, Pump, parse_keys
from orlop.client.transport import Connection


def frame(number: int, data: bytes) -> bytes:
    return bytes((number, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[int, bytes]:
    found: dict[int, bytes] = {1: b"", 2: b""}

    def write(fd: int, data: bytes) -> None:
        found[fd] += bytes(data)

    monkeypatch.setattr(stream, "write", write)
    return found


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 1000])
def test_frames_in_pieces_of_any_size(size: int, written: dict[int, bytes]) -> None:
    data = frame(1, b"out") + frame(2, b"err") + frame(1, b"") + frame(1, b"x" * 500)
    frames = Frames({1: 1, 2: 2})
    for at in range(0, len(data), size):
        frames.feed(data[at : at + size])
    assert written == {1: b"out" + b"x" * 500, 2: b"err"}


def test_frames_of_a_stream_nobody_wants(written: dict[int, bytes]) -> None:
    frames = Frames({1: 1})
    frames.feed(frame(2, b"err") + frame(1, b"out") + frame(3, b"it broke"))
    assert written[1] == b"out"
    assert written[2] == b""
    assert frames.failure == "it broke"


@pytest.mark.parametrize(
    ("typed", "passed", "complete"),
    [
        ([b"abc"], b"abc", False),
        ([b"a\x10\x11b"], b"a", True),
        ([b"\x10", b"\x11"], b"", True),
        ([b"\x10", b"x"], b"\x10x", False),
        ([b"\x10\x10\x11"], b"\x10", True),
        ([b"\x10"], b"", False),
        ([b"\x11\x10x"], b"\x11\x10x", False),
    ],
)
def test_escape(typed: list[bytes], passed: bytes, complete: bool) -> None:
    escape = Escape(DEFAULT_KEYS)
    found, done = b"", False
    for piece in typed:
        data, done = escape.feed(piece)
        found += data
    assert (found, done) == (passed, complete)


def test_parse_keys() -> None:
    assert parse_keys("ctrl-p,ctrl-q") == DEFAULT_KEYS
    assert parse_keys("a,ctrl-@,ctrl-_") == b"a\x00\x1f"
    for wrong in ("foo", "ctrl-", "ctrl-1", ""):
        with pytest.raises(ValueError, match="Unknown character"):
            parse_keys(wrong)


class Ends:
    """stdin and stdout of the process as pipes, and the daemon's end of the connection."""

    def __init__(self) -> None:
        ours, self.daemon = socket.socketpair()
        self.conn = Connection(ours)
        stdin, self.typist = os.pipe()
        self._saved = os.dup(0)
        os.dup2(stdin, 0)
        os.close(stdin)

    def type(self, data: bytes) -> None:
        os.write(self.typist, data)

    def end_input(self) -> None:
        os.close(self.typist)
        self.typist = -1

    def close(self) -> None:
        os.dup2(self._saved, 0)
        os.close(self._saved)
        if self.typist >= 0:
            os.close(self.typist)
        self.conn.close()
        self.daemon.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    found = Ends()
    yield found
    found.close()


def drain(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def test_pump_half_closes_and_takes_the_rest(ends: Ends, written: dict[int, bytes]) -> None:
    def daemon() -> None:
        data = drain(ends.daemon)  # ends by our half-close alone
        ends.daemon.sendall(frame(1, data.upper()))
        ends.daemon.close()

    thread = threading.Thread(target=daemon)
    thread.start()
    ends.type(b"hello")
    ends.end_input()
    Pump(ends.conn, tty=False, stdin=True, outputs={1: 1, 2: 2}).run()
    thread.join()
    assert written[1] == b"HELLO"


def test_pump_without_stdin_half_closes_at_once(ends: Ends, written: dict[int, bytes]) -> None:
    def daemon() -> None:
        assert drain(ends.daemon) == b""
        ends.daemon.sendall(b"raw")
        ends.daemon.close()

    thread = threading.Thread(target=daemon)
    thread.start()
    Pump(ends.conn, tty=True, stdin=False, outputs={1: 1}).run()
    thread.join()
    assert written[1] == b"raw"


def test_pump_is_not_stuck_between_both_directions(ends: Ends, written: dict[int, bytes]) -> None:
    """A megabyte each way, and nobody reads before the other has written a part."""
    size = 1 << 20

    def daemon() -> None:
        ends.daemon.sendall(frame(1, b"o" * size))
        assert len(drain(ends.daemon)) == size
        ends.daemon.close()

    def typist() -> None:
        view = memoryview(b"i" * size)
        while view:
            view = view[os.write(ends.typist, view) :]
        ends.end_input()

    threads = [threading.Thread(target=daemon), threading.Thread(target=typist)]
    for thread in threads:
        thread.start()
    Pump(ends.conn, tty=False, stdin=True, outputs={1: 1}).run()
    for thread in threads:
        thread.join()
    assert len(written[1]) == size


def test_pump_detaches(ends: Ends, written: dict[int, bytes]) -> None:
    ends.type(b"ls\n\x10\x11")
    pump = Pump(ends.conn, tty=True, stdin=True, outputs={1: 1})
    with pytest.raises(Detached):
        pump.run()
    assert ends.daemon.recv(10) == b"ls\n"


def test_pump_prints_what_came_with_the_headers(ends: Ends, written: dict[int, bytes]) -> None:
    ends.conn.buffer = frame(1, b"early ")
    ends.daemon.sendall(frame(1, b"late"))
    ends.daemon.close()
    Pump(ends.conn, tty=False, stdin=False, outputs={1: 1}).run()
    assert written[1] == b"early late"


def test_pump_with_input_only_ends_with_it(ends: Ends, written: dict[int, bytes]) -> None:
    ends.type(b"x")
    ends.end_input()
    Pump(ends.conn, tty=False, stdin=True, outputs={}).run()
    assert drain(ends.daemon) == b"x"
