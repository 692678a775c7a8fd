from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop import wire
from orlop.scribe import encode, readlog
from orlop.scribe.follow import Follow
from orlop.scribe.readlog import Form

RAW = Form(mux=False)
CLOCK = encode.Clock()
SECOND = 1_000_000_000
TEXTS = st.lists(
    st.sampled_from(["", "a", "b\\", "\\n", '","stream":"stdout","', "{", "é"]), max_size=5
)


def lines(*texts: str, at: int = 1, stream: str = "stdout", attrs: bytes = b"") -> bytes:
    encoder = encode.Encoder(stream, attrs)
    return encoder.lines("".join(t + "\n" for t in texts).encode(), CLOCK.format(at * SECOND))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x-json.log")


@pytest.fixture
def rotated(path: str) -> str:
    """a b | c d | e f | g, the oldest two compressed."""
    Path(path + ".3.gz").write_bytes(gzip.compress(lines("a", "b", at=1)))
    Path(path + ".2.gz").write_bytes(gzip.compress(lines("c", "d", at=2)))
    Path(path + ".1").write_bytes(lines("e", "f", at=3))
    Path(path).write_bytes(lines("g", at=4))
    return path


def texts(path: str, **limits: int) -> str:
    return b"".join(readlog.chunks(path, RAW, **limits)).decode().replace("\n", "")


def test_all_files_oldest_first(rotated: str) -> None:
    assert texts(rotated) == "abcdefg"


@pytest.mark.parametrize("tail", range(10))
def test_tail_across_files(rotated: str, tail: int) -> None:
    assert texts(rotated, tail=tail) == ("abcdefg"[-tail:] if tail else "")


@pytest.mark.parametrize("count", [1, 2, 999, 5000, 5001])
def test_tail_of_a_long_file(path: str, count: int) -> None:
    Path(path).write_bytes(b"".join(lines(f"{n:0100}", at=n) for n in range(5000)))
    found = list(readlog.read(path, tail=count))
    assert [int(line) for _, _, line, _ in found] == list(range(max(0, 5000 - count), 5000))


def test_since_and_until(rotated: str) -> None:
    assert texts(rotated, since_ns=2 * SECOND) == "cdefg"
    assert texts(rotated, since_ns=2 * SECOND, until_ns=3 * SECOND) == "cdef"
    assert texts(rotated, until_ns=1) == ""


def test_nothing_there(path: str) -> None:
    assert texts(path) == ""
    assert texts(path + "/no/such") == ""


def test_frames_times_and_details(path: str) -> None:
    attrs = encode.attributes({"b": "x y", "a": "1&"})
    Path(path).write_bytes(lines("one", "two", attrs=attrs) + lines("three", stream="stderr", at=2))
    data = b"".join(readlog.chunks(path, Form(timestamps=True, details=True)))
    assert list(wire.Frames().feed(data)) == [
        (1, b"1970-01-01T00:00:01.000000000Z a=1%26,b=x+y one\n"),
        (1, b"1970-01-01T00:00:01.000000000Z a=1%26,b=x+y two\n"),
        (2, b"1970-01-01T00:00:02.000000000Z  three\n"),
    ]


def test_lines_may_share_a_frame(path: str) -> None:
    Path(path).write_bytes(lines("one", "two") + lines("three", stream="stderr") + lines("four"))
    data = b"".join(readlog.chunks(path, Form(together=True, timestamps=True)))
    stamp = b"1970-01-01T00:00:01.000000000Z "
    assert list(wire.Frames().feed(data)) == [
        (1, stamp + b"one\n" + stamp + b"two\n"),
        (2, stamp + b"three\n"),
        (1, stamp + b"four\n"),
    ]


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.integers(1, 3), TEXTS)))
def test_runs_in_any_mixture_are_read_back(records: list[tuple[str, int, list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        path = f"{folder}/x-json.log"
        Path(path).write_bytes(
            b"".join(lines(*texts, at=at, stream=stream) for stream, at, texts in records if texts)
        )
        found = [(stream, at, line) for stream, at, line, _ in readlog.read(path)]
    assert found == [
        (stream, at * SECOND, text.encode() + b"\n")
        for stream, at, texts in records
        for text in texts
    ]


def test_streams_are_chosen(path: str) -> None:
    Path(path).write_bytes(lines("out") + lines("err", stream="stderr") + lines("out2"))
    assert b"".join(readlog.chunks(path, Form(stderr=False, mux=False))) == b"out\nout2\n"
    assert [line for _, _, line, _ in readlog.read(path, stdout=False)] == [b"err\n"]


def test_a_piece_without_newline_keeps_none(path: str) -> None:
    piece = encode.Encoder("stdout").piece(b"half", CLOCK.format(SECOND))
    Path(path).write_bytes(piece + lines("rest"))
    assert b"".join(readlog.chunks(path, RAW)) == b"halfrest\n"
    stamped = b"".join(readlog.chunks(path, Form(mux=False, timestamps=True)))
    assert stamped.count(b"1970") == 2


class Reader:
    """Follows in a thread; `expect` waits for what it has read."""

    def __init__(self, path: str, form: Form = RAW, **limits: int) -> None:
        self.follow = Follow(path, form, **limits)
        self.data = b""
        self._news = threading.Condition()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for chunk in self.follow:
            with self._news:
                self.data += chunk
                self._news.notify_all()

    def expect(self, data: bytes) -> None:
        with self._news:
            done = self._news.wait_for(lambda: self.data == data, 10)
        assert done, self.data

    def finish(self) -> None:
        self.follow.end()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def reader(path: str) -> Iterator[Reader]:
    Path(path).write_bytes(lines("old"))
    made = Reader(path)
    made.expect(b"old\n")
    yield made
    made.follow.close()
    made.thread.join(10)


def append(path: str, data: bytes) -> None:
    with open(path, "ab") as log:
        log.write(data)


def test_follow_wakes_and_ends(path: str, reader: Reader) -> None:
    append(path, lines("new"))
    reader.expect(b"old\nnew\n")
    append(path, lines("torn")[:20])
    append(path, lines("torn")[20:])
    append(path, lines("last"))
    reader.finish()
    assert reader.data == b"old\nnew\ntorn\nlast\n"


def rotate(path: str) -> None:
    for number in range(20, 0, -1):
        if os.path.exists(f"{path}.{number}"):
            os.rename(f"{path}.{number}", f"{path}.{number + 1}")
    os.rename(path, path + ".1")
    Path(path).touch()


def test_follow_over_rotations(path: str, reader: Reader) -> None:
    expected = b"old\n"
    for n in range(5):
        append(path, lines(f"before {n}"))
        rotate(path)
        append(path, lines(f"after {n}"))
        expected += b"before %d\nafter %d\n" % (n, n)
    reader.expect(expected)
    reader.finish()


def test_a_slow_follower_over_compressed_rotations(path: str) -> None:
    """What it reads is compressed and moved on meanwhile: it neither repeats nor skips."""
    Path(path).write_bytes(lines("0", at=1))
    follow = Follow(path, RAW)
    reading = iter(follow)
    assert next(reading) == b"0\n"
    for n in range(1, 4):
        rotate(path)
        Path(path + ".1.gz").write_bytes(gzip.compress(Path(path + ".1").read_bytes()))
        os.unlink(path + ".1")
        for number in range(9, 0, -1):
            if os.path.exists(f"{path}.{number}.gz"):
                os.rename(f"{path}.{number}.gz", f"{path}.{number + 1}.gz")
        append(path, lines(str(n), at=n + 1))
    follow.end()
    assert b"".join(reading) == b"1\n2\n3\n"


def test_follow_waits_for_a_file_to_come(path: str) -> None:
    made = Reader(path)
    Path(path).write_bytes(lines("first"))
    made.expect(b"first\n")
    made.finish()


def test_follow_with_tail_and_since(rotated: str) -> None:
    made = Reader(rotated, tail=2)
    made.expect(b"f\ng\n")
    append(rotated, lines("h", at=5))
    made.expect(b"f\ng\nh\n")
    made.finish()


def test_follow_stops_at_until(path: str) -> None:
    Path(path).write_bytes(lines("a", at=1))
    made = Reader(path, until_ns=2 * SECOND)
    made.thread.join(10)
    assert not made.thread.is_alive()
    assert made.data == b"a\n"


def test_follow_after_a_truncation(path: str, reader: Reader) -> None:
    os.truncate(path, 0)
    append(path, lines("x"))
    reader.finish()
    assert reader.data == b"old\nx\n"


def test_close_stops_an_idle_follower(reader: Reader) -> None:
    reader.follow.close()
    reader.thread.join(10)
    assert not reader.thread.is_alive()


def test_many_followers_share_one_watch(path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    Path(path).write_bytes(lines("a"))
    readers = [Reader(path) for _ in range(150)]  # more than the kernel allows instances
    for made in readers:
        made.expect(b"a\n")
    append(path, lines("b"))
    for made in readers:
        made.expect(b"a\nb\n")
    for made in readers:
        made.finish()
    assert len(os.listdir("/proc/self/fd")) <= before + 3


def test_the_directory_goes(path: str) -> None:
    Path(path).write_bytes(lines("a"))
    made = Reader(path)
    made.expect(b"a\n")
    os.unlink(path)
    os.rmdir(os.path.dirname(path))
    made.thread.join(10)
    assert not made.thread.is_alive()
