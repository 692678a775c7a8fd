from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop import wire
from orlop.errors import InvalidArgument


def test_frame_is_dockers_header_and_data() -> None:
    assert wire.frame(wire.STDERR, b"ab") == b"\x02\0\0\0\0\0\0\x02ab"


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=50))), st.integers(1, 20))
def test_frames_come_back_however_cut(pieces: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(wire.frame(*piece) for piece in pieces)
    frames = wire.Frames()
    found = [
        piece for at in range(0, len(stream), size) for piece in frames.feed(stream[at : at + size])
    ]
    assert found == pieces
    assert not frames.incomplete


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="Unrecognized input header"):
        list(wire.Frames().feed(b"HTTP/1.1 200 OK"))
    with pytest.raises(ValueError, match="Unrecognized"):
        list(wire.Frames().feed(b"\x01\0\0\0\xff\xff\xff\xff"))


def test_json_lines() -> None:
    chunks = [b'{"a":', b'1}\r\n{"b', b'":2}\n\n', b'{"c":3}']
    assert list(wire.json_lines(chunks, json.loads)) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert wire.json_line({"a": 1}, lambda v: json.dumps(v).encode()) == b'{"a": 1}\r\n'


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", b"\x10\x11"),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("a", b"a"),
        ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\0\x1b\x1c\x1d\x1e\x1f"),
        ("DEL,x", b"\x7fx"),
        ("ctrl-a,ctrl-z", b"\x01\x1a"),
    ],
)
def test_detach_keys(text: str, keys: bytes) -> None:
    assert wire.parse_detach_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-A", "ctrl-pp", "ab", ",", "a,,b", "ctrl-é", "é"])
def test_bad_detach_keys(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        wire.parse_detach_keys(text)
    assert refused.value.message == f"Invalid detach keys ({text}) provided"


def feed(keys: bytes, *reads: bytes) -> list[tuple[bytes, bool]]:
    found = wire.DetachKeys(keys)
    return [found.feed(data) for data in reads]


def test_detach_in_one_read_and_across_reads() -> None:
    assert feed(b"\x10\x11", b"ls\x10\x11more") == [(b"ls", True)]
    assert feed(b"\x10\x11", b"ls\x10", b"\x11") == [(b"ls", False), (b"", True)]


def test_a_broken_sequence_is_passed_on() -> None:
    assert feed(b"\x10\x11", b"\x10", b"x") == [(b"", False), (b"\x10x", False)]
    assert feed(b"abc", b"ab", b"ab") == [(b"", False), (b"abab", False)]
    # As in Docker, the key that breaks a sequence does not begin another.
    assert feed(b"\x10\x11", b"\x10\x10\x11") == [(b"\x10\x10\x11", False)]


def test_without_keys_nothing_is_held_back() -> None:
    assert feed(b"", b"\x10\x11") == [(b"\x10\x11", False)]
