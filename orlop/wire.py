"""Small formats that several floors speak: stdcopy frames, JSON lines, detach keys.

Pure: bytes in, bytes out. stdcopy is Docker's multiplexed stream: an 8-byte header (stream number,
three zeros, length big-endian) before each piece. JSON lines are one object per line.
"""

from __future__ import annotations

import struct

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

STDIN = 0
STDOUT = 1
STDERR = 2
SYSTEM_ERROR = 3  # an error of the engine, in place of output

_HEADER = struct.Struct(">BxxxI")
_LONGEST_FRAME = 1 << 30  # nobody sends more: what claims to be longer is not a frame

DEFAULT_DETACH_KEYS = b"\x10\x11"  # ctrl-p,ctrl-q
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"


def header(stream: int, length: int) -> bytes:
    return _HEADER.pack(stream, length)


def frame(stream: int, data: bytes) -> bytes:
    return _HEADER.pack(stream, len(data)) + data


class Frames:
    """Takes a multiplexed stream apart, however it was cut: `feed` yields (stream, data)."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Raises ValueError for what is no stdcopy header."""
        buffer = self._rest + data if self._rest else data
        at = 0
        while len(buffer) - at >= 8:
            stream, length = _HEADER.unpack_from(buffer, at)
            if stream > SYSTEM_ERROR or length > _LONGEST_FRAME:
                raise ValueError(f"Unrecognized input header: {stream}")
            if len(buffer) - at - 8 < length:
                break
            yield stream, buffer[at + 8 : at + 8 + length]
            at += 8 + length
        self._rest = buffer[at:]

    @property
    def incomplete(self) -> bool:
        """Whether the stream would end inside a frame."""
        return bool(self._rest)


def json_line(value: Any, dumps: Callable[[Any], bytes]) -> bytes:
    """One message of a progress stream; Docker ends each with CR LF."""
    return dumps(value) + b"\r\n"


def json_lines(chunks: Iterable[bytes], loads: Callable[[bytes], Any]) -> Iterator[Any]:
    """The messages of a stream of lines, however it was cut; blank lines are skipped."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield loads(line)
    if rest.strip():
        yield loads(rest)


def parse_detach_keys(text: str) -> bytes:
    """`ctrl-p,ctrl-q` as bytes; "" gives the default. Raises InvalidArgument with Docker's text."""
    if not text:
        return DEFAULT_DETACH_KEYS
    out = bytearray()
    for key in text.split(","):
        name = key.removeprefix("ctrl-")
        if len(key) == 1 and ord(key) < 0x80:
            out.append(ord(key))
        elif name is not key and len(key) == 6 and name in _CONTROL:
            out.append(_CONTROL.index(name))
        elif key == "DEL":
            out.append(127)
        else:
            raise InvalidArgument(f"Invalid detach keys ({text}) provided")
    return bytes(out)


class DetachKeys:
    """Finds the detach sequence in what a terminal sends.

    As Docker's: the keys may come in any number of reads, keys of a begun sequence are held back
    and passed on when it breaks off; the key that breaks it does not begin another.
    """

    __slots__ = ("_at", "_keys")

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._at = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """(what to pass on, whether the sequence is complete)."""
        keys = self._keys
        if not keys or (not self._at and keys[0] not in data):
            return data, False
        out = bytearray()
        for byte in data:
            if byte == keys[self._at]:
                self._at += 1
                if self._at == len(keys):
                    self._at = 0
                    return bytes(out), True
            else:
                out += keys[: self._at]
                out.append(byte)
                self._at = 0
        return bytes(out), False
