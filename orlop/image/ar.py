"""Read `ar` archives, the outer form of Debian packages.

Source: deb(5); the common ar format: 60-byte member headers, data padded to even length.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from orlop.errors import InvalidArgument

_MAGIC = b"!<arch>\n"
_HEADER = 60
_MAX = 1 << 32


class Window(io.RawIOBase):
    """`size` bytes of a file from `start`, as a stream of their own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        self._file.seek(self._at)
        data = self._file.read(min(len(view), self._end - self._at))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def member(file: BinaryIO, prefix: str) -> BinaryIO:
    """The first member whose name starts with `prefix`. Raises InvalidArgument."""
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InvalidArgument("not an ar archive")
    at = len(_MAGIC)
    while True:
        file.seek(at)
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[58:60] != b"`\n":
            raise InvalidArgument(f"no member {prefix!r} in the package")
        name = header[:16].decode("ascii", "replace").rstrip().rstrip("/")
        digits = header[48:58].strip()
        if not digits.isdigit() or int(digits) > _MAX:
            raise InvalidArgument("damaged ar archive")
        size = int(digits)
        if name.startswith(prefix):
            return cast(BinaryIO, io.BufferedReader(Window(file, at + _HEADER, size), 1 << 16))
        at += _HEADER + size + size % 2
