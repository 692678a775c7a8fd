from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.protobuf import BOOL, BYTES, INT, TEXT, UINT, Malformed, Map, Table, decode, encode

INNER = Table(name=(1, TEXT), size=(16, INT))
OUTER = Table(
    number=(1, INT), flag=(2, BOOL), text=(3, TEXT), data=(4, BYTES), inner=(5, INNER),
    many=(6, [INNER]), names=(7, [TEXT]), counts=(8, [UINT]), labels=(9, Map(TEXT, TEXT)),
    blobs=(10, Map(TEXT, BYTES)), tables=(11, Map(TEXT, INNER)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "wire"),
    [  # as protoc writes them
        ({"number": 150}, "089601"),
        ({"number": -1}, "08ffffffffffffffffff01"),
        ({"flag": True}, "1001"),
        ({"text": "testing"}, "1a0774657374696e67"),
        ({"inner": {"name": "a", "size": 3}}, "2a060a016180" + "0103"),
        ({"inner": {}}, "2a00"),
        ({"names": ["a", ""]}, "3a01613a00"),
        ({"labels": {"k": "v"}}, "4a060a016b120176"),
        ({"number": 0, "flag": False, "text": "", "data": b""}, ""),
    ],
)
def test_the_wire_is_protobufs(value: dict[str, Any], wire: str) -> None:
    assert encode(OUTER, value).hex() == wire
    kept = {k: v for k, v in value.items() if v not in (0, False, "", b"")}
    assert decode(OUTER, bytes.fromhex(wire)) == kept


def test_packed_and_unpacked_numbers_are_the_same() -> None:
    assert decode(OUTER, bytes.fromhex("42020102")) == {"counts": [1, 2]}
    assert decode(OUTER, bytes.fromhex("40014002")) == {"counts": [1, 2]}


def test_what_is_unknown_is_skipped() -> None:
    data = bytes.fromhex("f80601" + "fa0603616263" + "fd0601020304" + "f9060102030405060708")
    assert decode(OUTER, data + encode(OUTER, {"number": 7})) == {"number": 7}


@pytest.mark.parametrize(
    "wire",
    [
        "08",  # no number
        "08ffffffffffffffffffff01",  # eleven bytes
        "1a05616263",  # shorter than it says
        "1affffffffffffffffff01",  # longer than anything
        "0b",  # a group
        "0a00",  # a number as bytes
        "1801",  # a text as a number
        "4801",  # a map as a number
        "fd06",  # four bytes that are not there
    ],
)
def test_malformed(wire: str) -> None:
    with pytest.raises(Malformed):
        decode(OUTER, bytes.fromhex(wire))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        found = decode(OUTER, data)
    except Malformed:
        return
    assert decode(OUTER, encode(OUTER, found)) == {
        k: v for k, v in found.items() if v not in (0, "", b"") and v is not False
    }


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "number": st.integers(-(2**63), 2**63 - 1).filter(bool),
            "text": st.text(min_size=1),
            "data": st.binary(min_size=1),
            "names": st.lists(st.text(), min_size=1),
            "labels": st.dictionaries(st.text(), st.text(), min_size=1),
            "blobs": st.dictionaries(st.text(), st.binary(), min_size=1),
        },
    )
)
def test_there_and_back(value: dict[str, Any]) -> None:
    assert decode(OUTER, encode(OUTER, value)) == value


def test_names_that_are_no_utf8_survive() -> None:
    raw = b"\x1a\x02\xff\xfe"
    assert encode(OUTER, decode(OUTER, raw)) == raw
