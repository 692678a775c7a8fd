from __future__ import annotations

import os

import pytest

from orlop.api.websocket import Frames, _Closed, frame


def masked(
    kind: int, data: bytes, *, final: bool = True, mask: bytes = b"\x01\x02\x03\x04"
) -> bytes:
    plain = frame(kind, data)
    head = plain[: len(plain) - len(data)]
    first = (head[0] & 0x0F) | (0x80 if final else 0)
    body = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    return bytes([first, head[1] | 0x80]) + head[2:] + mask + body


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_frames_of_every_length(size: int) -> None:
    data = os.urandom(size)
    assert Frames().feed(masked(2, data)) == [(2, data)]


def test_frames_in_pieces_and_fragments() -> None:
    stream = masked(2, b"one", final=False) + masked(9, b"?") + masked(0, b"two") + masked(8, b"")
    frames = Frames()
    found = [f for byte in stream for f in frames.feed(bytes([byte]))]
    assert found == [(2, b"one"), (9, b"?"), (0, b"two"), (8, b"")]


@pytest.mark.parametrize(
    "data",
    [
        frame(2, b"unmasked"),
        masked(0, b"continues nothing"),
        masked(2, b"a", final=False) + masked(2, b"b"),
        masked(3, b"reserved kind"),
        masked(9, b"x", final=False),
        masked(9, b"x" * 126),
        b"\xc2\x80\0\0\0\0",
        masked(2, b"x" * 10)[:1] + b"\xff" + b"\xff" * 8 + b"\0" * 4,
    ],
)
def test_what_the_protocol_forbids(data: bytes) -> None:
    with pytest.raises(_Closed):
        Frames().feed(data)
