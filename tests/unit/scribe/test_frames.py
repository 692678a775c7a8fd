from __future__ import annotations

import _socket
import os
from collections.abc import Iterator

import pytest

from orlop.kernel import memfd
from orlop.scribe import frames
from orlop.scribe.connection import Connection
from orlop.scribe.poller import Poller

Pair = tuple[_socket.socket, _socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, two = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    yield one, two
    one.close()
    two.close()


def test_a_frame_with_fds(pair: Pair) -> None:
    reader, writer = os.pipe()
    frames.send(pair[0], {"a": 1, "b": (b"x", None, True)}, [writer])
    os.close(writer)
    frame, fds = frames.receive(pair[1])
    assert frame == {"a": 1, "b": (b"x", None, True)}
    os.write(fds[0], b"through")
    os.close(fds[0])
    assert os.read(reader, 100) == b"through"
    assert not os.get_inheritable(reader)
    os.close(reader)


def test_a_large_frame_goes_by_memory_file(pair: Pair) -> None:
    before = len(os.listdir("/proc/self/fd"))
    reader, writer = os.pipe()
    frames.send(pair[0], {"data": b"x" * 5_000_000}, [writer])
    frame, fds = frames.receive(pair[1])
    assert len(frame["data"]) == 5_000_000
    assert len(fds) == 1
    for fd in (reader, writer, *fds):
        os.close(fd)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_memory_file_that_could_change_is_refused(pair: Pair) -> None:
    open_file = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    frames.send(pair[0], {"memfd": True}, [open_file])
    with pytest.raises(ValueError, match="not sealed"):
        frames.receive(pair[1])
    os.close(open_file)


def test_a_sealed_file_cannot_be_written() -> None:
    fd = memfd.sealed("x", b"abc")
    with pytest.raises(PermissionError):
        os.write(fd, b"d")
    with pytest.raises(ValueError, match="limit"):
        memfd.read_sealed(fd, 2)
    os.close(fd)


@pytest.mark.parametrize("junk", [b"\xff\xff", b"i", b"z\x05ab", b"x" * 3000])
def test_junk_ends_the_connection(pair: Pair, junk: bytes) -> None:
    poller = Poller()
    closed: list[Connection] = []
    Connection(poller, pair[1], lambda *_: None, closed.append)
    pair[0].send(junk)
    poller.run_once()
    assert len(closed) == 1
    poller.close()


def test_hangup(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(frames.Hangup):
        frames.receive(pair[1])


def test_frames_wait_for_an_end_that_does_not_read(pair: Pair) -> None:
    poller = Poller()
    got: list[int] = []
    connection = Connection(poller, pair[0], lambda *_: None, lambda _: None)
    reader, writer = os.pipe()
    count = 3000
    for number in range(count):
        connection.send({"n": number, "x": "y" * 500}, [writer])
    assert connection.pending
    os.close(writer)
    pair[1].setblocking(False)
    while len(got) < count:
        try:
            frame, fds = frames.receive(pair[1])
        except BlockingIOError:
            poller.run_once()
            continue
        got.append(frame["n"])
        assert len(fds) == 1
        frames.close_all(fds)
    assert got == list(range(count))
    assert not connection.pending
    assert os.read(reader, 1) == b""  # no copy of the fd is left
    os.close(reader)
    connection.close()
    poller.close()


def test_timers_and_failing_handlers(capfd: pytest.CaptureFixture[str]) -> None:
    poller = Poller()
    called: list[str] = []

    def fail() -> None:
        called.append("fail")
        raise ValueError("a bug")

    poller.after(0.0, "a", fail)
    poller.after(0.001, "b", lambda: called.append("late"))
    poller.after(0.0, "b", lambda: called.append("replaced"))
    poller.after(0.0, "c", lambda: called.append("never"))
    poller.cancel("c")
    while len(called) < 2:
        poller.run_once()
    assert sorted(called) == ["fail", "replaced"]
    assert "ValueError: a bug" in capfd.readouterr().err
    poller.close()
