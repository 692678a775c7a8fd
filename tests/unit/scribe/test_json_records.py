"""The records are byte for byte those of a real dockerd (tests/vectors/jsonfile)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.scribe import encode, repair
from orlop.scribe.decode import decode, parse_time

VECTORS = Path(__file__).parents[2] / "vectors" / "jsonfile"
STAMP = b"2026-11-24T09:12:00.5Z"
ATTRS = encode.attributes({"z": 'q"<', "a": "b"})


def records_of(data: bytes, attrs: bytes = b"") -> bytes:
    """All records of a whole stream, by `cut`."""
    encoder = encode.Encoder("stdout", attrs)
    out = b""
    at = 0
    for end, whole in encode.cut(data):
        make = encoder.lines if whole else encoder.piece
        out += make(data[at:end], STAMP)
        at = end
    return out + (encoder.piece(data[at:], STAMP) if at < len(data) else b"")


def without_times(log: bytes) -> bytes:
    return re.sub(rb'"time":"[^"]*"', b'"time":""', log)


def test_as_dockerd_writes_them() -> None:
    recorded = (VECTORS / "docker-28.5.log").read_bytes().splitlines(True)
    expected = b"".join(line for line in recorded if b'"stream":"stdout"' in line)
    ours = records_of((VECTORS / "stdout").read_bytes(), ATTRS)
    assert without_times(ours) == without_times(expected)


def test_dockerd_s_log_is_read_back() -> None:
    found = list(decode((VECTORS / "docker-28.5.log").read_bytes()))
    text = b"".join(run.text for run in found if run.stream == "stdout")
    expected = (VECTORS / "stdout").read_bytes()
    lost = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")
    assert text == expected.decode("utf-8", "surrogateescape").translate(lost).encode()
    assert {run.attrs for run in found} == {ATTRS}
    assert [run.text for run in found if run.stream == "stderr"] == [b"err\n"]


def slow_escape(data: bytes) -> bytes:
    """Go's rules, one character after the other."""
    out = b""
    while data:
        for size in range(1, 5):
            try:
                character = data[:size].decode()
            except UnicodeDecodeError:
                continue
            break
        else:
            out += b"\\ufffd"
            data = data[1:]
            continue
        data = data[size:]
        if character in '"\\':
            out += b"\\" + character.encode()
        elif character in "\n\r":
            out += {"\n": b"\\n", "\r": b"\\r"}[character]
        elif character < " " or character in "<>&\u2028\u2029":
            out += b"\\u%04x" % ord(character)
        else:
            out += character.encode()
    return out


PIECES = [b"a", b"?", b"\x01", b"\n", b'"', b"\\", b"<", b"\t", "é".encode(), b"\xe2\x80\xa8"]
PIECES += [b"\xe2\x80", b"\xed\xa0\x80", b"\xff", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80"]
odd = st.lists(st.sampled_from(PIECES)).map(b"".join)


@settings(max_examples=300)
@given(odd | st.binary(max_size=200))
def test_escaping_is_go_s(data: bytes) -> None:
    assert encode.escape(data).replace(b"\n", b"\\n") == slow_escape(data)


@settings(max_examples=300)
@given(st.lists(st.integers(0xC0, 0xF6) | st.integers(0x7E, 0xC1) | st.sampled_from(b"b\x0b")))
def test_bytes_that_are_not_utf8_are_escaped_as_go_does(data: list[int]) -> None:
    text = bytes((*data, 0xFF))
    assert encode.escape(text).replace(b"\n", b"\\n") == slow_escape(text)


def test_every_begin_of_a_character_is_judged_as_go_does() -> None:
    for lead in range(0x80, 0x100):
        for second in range(0x7F, 0xC1):
            text = b"".join(
                bytes((lead, second, *rest)) for rest in (b"", b"b", b"\x80", b"\xbf\xbf")
            )
            assert encode.escape(text) == slow_escape(text)


@pytest.mark.parametrize("shift", range(5))
def test_a_character_on_the_edge_of_a_block_is_kept(shift: int) -> None:
    text = b"x" * shift + "é€\U0001f600".encode() * 9000 + b"\xff" + b"\x80" * 40000
    assert encode.escape(text) == text.replace(b"\xff", b"\\ufffd")[:-40000] + b"\\ufffd" * 40000


@pytest.mark.parametrize("character", ["é", "€", "\U0001f600"])
@pytest.mark.parametrize("more", range(5))
def test_a_character_before_stray_continuations_on_an_edge_is_kept(
    character: str, more: int
) -> None:
    for before in range(9):
        text = b"x" * (repair._BLOCK - before) + character.encode() + b"\x80" * more + b"\xff"
        escaped = b"x" * (repair._BLOCK - before) + character.encode() + b"\\ufffd" * (more + 1)
        assert encode.escape(text) == escaped


@settings(max_examples=200)
@given(odd | st.binary(max_size=300))
def test_what_is_written_is_read_back(data: bytes) -> None:
    log = records_of(data)
    for line in log.splitlines():
        json.loads(line)
    back = b"".join(run.text for run in decode(log))
    assert back == json.loads(b'"' + slow_escape(data) + b'"').encode()
    assert sum(run.lines for run in decode(log)) == log.count(b"\n")


def docker_copier(data: bytes) -> list[bytes]:
    """The pieces dockerd's copier makes with its buffer of 16 KiB."""
    out = []
    while data:
        newline = data.find(b"\n", 0, 16384)
        end = newline + 1 if newline >= 0 else min(16384, len(data))
        out.append(data[:end])
        data = data[end:]
    return out


@given(st.lists(st.sampled_from([0, 1, 5, 16382, 16383, 16384, 16385, 32768, 40000]), max_size=6))
def test_long_lines_are_cut_as_dockerd_cuts(lengths: list[int]) -> None:
    data = b"".join(b"x" * n + b"\n" for n in lengths) + b"rest"
    pieces = []
    at = 0
    for end, whole in encode.cut(data):
        pieces += data[at:end].splitlines(True) if whole else [data[at:end]]
        at = end
    assert [*pieces, data[at:]] == docker_copier(data)


def test_times() -> None:
    clock = encode.Clock()
    assert clock.format(0) == b"1970-01-01T00:00:00Z"
    assert clock.format(1_500_000_000) == b"1970-01-01T00:00:01.5Z"
    assert clock.format(4102444799_123456789) == b"2099-12-31T23:59:59.123456789Z"
    for time_ns in (0, 1, 10**9, 1795513560063221232, 7258118400 * 10**9):
        assert parse_time(clock.format(time_ns)) == time_ns
    assert parse_time(b"2026-11-24T10:00:00+01:30") == parse_time(b"2026-11-24T08:30:00Z")
    for wrong in (b"", b"2026-11-24", b"2026-13-24T00:00:00Z", b"x" * 30):
        assert parse_time(wrong) is None


@pytest.mark.parametrize("offset", range(0, 1000, 7))
def test_a_log_cut_anywhere_loses_the_torn_record_only(offset: int) -> None:
    lines = b"".join(b"line %d <&>\\n\n" % n for n in range(40))
    log = records_of(lines)
    place = offset * len(log) // 1000
    torn = log[:place]
    whole = torn.count(b"\n") + torn.endswith(b'"}')  # without its newline it is whole too
    for after in (b"", b"\0" * 100 + b"\n", records_of(b"next\n")):
        found = b"".join(run.text for run in decode(torn + after)).splitlines(True)
        expected = lines.splitlines(True)[:whole]
        if after.startswith(b"{"):
            expected.append(b"next\n")
        assert found == expected


def test_what_is_no_record_is_skipped() -> None:
    junk = b'[]\n"x"\n{}\n{"log":1}\n\n\xff\xfe\n' + b"[" * 100000 + b"\n"
    assert [run.text for run in decode(junk + records_of(b"a\n") + junk)] == [b"a\n"]


def test_a_key_named_stream_does_not_confuse() -> None:
    attrs = encode.attributes({"stream": "x", "a": '","stream":"y'})
    (run,) = decode(records_of(b'","stream":"stderr","time":"\n' * 3, attrs))
    assert (run.stream, run.lines, run.attrs) == ("stdout", 3, attrs)
    assert run.text == b'","stream":"stderr","time":"\n' * 3


def test_a_backslash_and_an_n_are_not_a_newline() -> None:
    log = records_of(b"a\\n") + records_of(b"b\\\\n") + records_of(b"c\\\n" * 2)
    assert [run.text for run in decode(log)] == [b"a\\n", b"b\\\\n", b"c\\\nc\\\n"]
