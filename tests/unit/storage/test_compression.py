from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable

import pytest
import zstandard

from orlop.errors import InvalidArgument
from orlop.storage.compression import decompressed, gzip_writer
from orlop.storage.zstdframes import Frames

DATA = bytes(range(256)) * 5000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "plain": lambda data: data,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_told_by_the_first_bytes(kind: str) -> None:
    assert b"".join(decompressed(io.BytesIO(PACKERS[kind](DATA)))) == DATA


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_several_members_are_one_stream(kind: str) -> None:
    pack = PACKERS[kind]
    assert b"".join(decompressed(io.BytesIO(pack(b"a" * 99) + pack(b"b")))) == b"a" * 99 + b"b"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
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


def zstd_stream() -> bytes:
    """Two frames, one with checksum and no size, skippable frames before, between and behind."""
    skipped = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    streamed = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False)
    coder = streamed.compressobj()
    first = coder.compress(DATA) + coder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    first += coder.compress(bytes(300_000)) + coder.flush()  # a block of equal bytes
    second = zstandard.ZstdCompressor().compress(os.urandom(200_000))  # raw blocks
    return skipped + first + skipped + second + skipped


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_ends_of_zstd_frames_are_seen_in_any_chunking(size: int) -> None:
    data = zstd_stream()
    frames = Frames()
    for at in range(0, len(data), size):
        frames.feed(data[at : at + size])
    assert frames.complete


def test_a_zstd_stream_cut_anywhere_is_told_from_its_end() -> None:
    data = zstd_stream()
    frames = Frames()
    ends = []
    for at in range(len(data)):
        if frames.complete:
            ends.append(at)
        frames.feed(data[at : at + 1])
    assert len(ends) == 5  # 0 and between the five frames
    for cut in (*range(ends[1] + 1, ends[2], 5003), ends[2] - 1, ends[3] + 3, len(data) - 1):
        with pytest.raises(InvalidArgument, match="invalid zstd data"):
            b"".join(decompressed(io.BytesIO(data[:cut])))


def test_a_zstd_window_without_bounds_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=28, write_content_size=0
    )
    coder = zstandard.ZstdCompressor(compression_params=parameters)
    stream = coder.compressobj()
    data = stream.compress(DATA) + stream.flush()
    with pytest.raises(InvalidArgument, match="invalid zstd data"):
        b"".join(decompressed(io.BytesIO(data)))
