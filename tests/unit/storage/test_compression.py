from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
import zstandard

from orlop.errors import InvalidArgument
from orlop.storage.compression import decompressed, gzip_writer

DATA = bytes(range(256)) * 5000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "plain": lambda data: data,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_told_by_the_first_bytes(kind: str) -> None:
    assert b"".join(decompressed(io.BytesIO(PACKERS[kind](DATA)))) == DATA


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_several_members_are_one_stream(kind: str) -> None:
    pack = PACKERS[kind]
    assert b"".join(decompressed(io.BytesIO(pack(b"a" * 99) + pack(b"b")))) == b"a" * 99 + b"b"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_damage_is_an_invalid_argument(kind: str) -> None:
    packed = PACKERS[kind](DATA)
    for bad in (packed[:-20], packed[:50] + b"\xff" * 20 + packed[70:]):
        with pytest.raises(InvalidArgument, match=f"invalid {kind} data"):
            b"".join(decompressed(io.BytesIO(bad)))


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    assert max(len(chunk) for chunk in decompressed(io.BytesIO(bomb))) <= 1 << 20


def test_written_gzip_has_no_time_in_it() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    for sink in (first, second):
        writer = gzip_writer(sink)
        writer.write(DATA)
        writer.close()
    assert first.getvalue() == second.getvalue()
    assert first.getvalue()[4:8] == bytes(4)
    assert gzip.decompress(first.getvalue()) == DATA
