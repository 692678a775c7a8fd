"""tar-split: what a layer's tar was, minus the content of its files.

`tar-split.json.gz` beside a layer holds, line by line, the raw bytes between file contents
(type 2) and, for each member, its name, size and CRC-64 (type 1). With the unpacked tree it gives
the original archive back byte for byte, so the layer's diff ID holds when it is saved or pushed.

Source: github.com/vbatts/tar-split, README and `tar/storage/entry.go` (format only).
"""

from __future__ import annotations

import os
import stat
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Any

import fastcrc
import msgspec
from isal import isal_zlib

from orlop.errors import InvalidArgument, SystemFailure
from orlop.paths import Root
from orlop.storage.tar import parts

_SMALL = 1 << 13  # these lines unpack thirtyfold
_CHUNK = 1 << 20
_ISAL_ERROR: Any = isal_zlib.error
_DIRECTORY = os.O_PATH | os.O_DIRECTORY
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_crc64 = fastcrc.crc64.go_iso


class Record(msgspec.Struct, omit_defaults=True):
    """One line. `payload`: raw bytes (type 2) or the CRC-64, big endian (type 1)."""

    type: int
    payload: str | None
    position: int
    name: str = ""
    name_raw: str = ""
    size: int = 0


_decode = msgspec.json.Decoder(Record).decode


def records(path: str | os.PathLike[str]) -> Iterator[Record]:
    """The lines of a tar-split.json.gz. Raises SystemFailure when it is damaged."""
    decoder = isal_zlib.decompressobj(wbits=31)
    left = b""
    with open(path, "rb") as file:
        while chunk := file.read(_SMALL):
            try:
                left += decoder.decompress(chunk)
            except _ISAL_ERROR as e:
                raise SystemFailure(f"{path}: damaged tar-split data: {e}") from e
            *lines, left = left.split(b"\n")
            yield from _lines(path, lines)
    if not decoder.eof:
        raise SystemFailure(f"{path}: damaged tar-split data: it ends early")
    yield from _lines(path, [left] if left else [])


def _lines(path: str | os.PathLike[str], lines: list[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            yield _decode(line)
        except msgspec.MsgspecError as e:
            raise SystemFailure(f"{path}: damaged tar-split data: {e}") from e


def assemble(path: str | os.PathLike[str], root: Root) -> Iterator[bytes]:
    """The original archive, from its tar-split data and the layer's tree below `root`.

    Raises SystemFailure naming the first file whose content is not what it was.
    """
    pending: list[bytes] = []
    held = 0
    tree = _Tree(root)
    try:
        for record in records(path):
            if record.type == 2:
                data = a2b_base64(record.payload or "")
                pending.append(data)
                held += len(data)
            elif record.size:
                for data in _content(tree, record):
                    pending.append(data)
                    held += len(data)
                    if held >= _CHUNK:
                        yield b"".join(pending)
                        pending.clear()
                        held = 0
            if held >= _CHUNK:
                yield b"".join(pending)
                pending.clear()
                held = 0
    finally:
        tree.close()
    if pending:
        yield b"".join(pending)


class _Tree:
    """Opens files of a tree; the directory of the last one stays open, as archives go by them."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._path = b""
        self._fd = -1

    def open(self, name: bytes) -> int:
        """Raises InvalidArgument, OSError. The last component is never followed."""
        if b"/." in name or b".." in name or name.endswith(b"/"):
            name = b"/".join(parts(name))  # as it was written: "a/../b" without an "a" is "b"
        directory, _, base = name.rpartition(b"/")
        if self._fd < 0 or directory != self._path:
            self.close()
            self._fd = self._root.open(directory or b".", _DIRECTORY)
            self._path = directory
        if not base:
            raise InvalidArgument("a file without a name")
        return os.open(base, _FILE, dir_fd=self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _content(tree: _Tree, record: Record) -> Iterator[bytes]:
    name = a2b_base64(record.name_raw) if record.name_raw else record.name.encode()
    damaged = SystemFailure(f"layer is damaged: {os.fsdecode(name)!r} is not what it was")
    try:
        fd = tree.open(name)
    except InvalidArgument as e:
        raise damaged from e
    except OSError as e:
        raise SystemFailure(f"layer is damaged: {os.fsdecode(name)!r}: {e.strerror}") from e
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size != record.size:
            raise damaged
        crc, left = 0, record.size
        while left:
            chunk = os.read(fd, min(left, _CHUNK))
            if not chunk:
                raise damaged
            crc = _crc64(chunk, crc)
            left -= len(chunk)
            yield chunk
        if crc.to_bytes(8, "big") != a2b_base64(record.payload or ""):
            raise damaged
    finally:
        os.close(fd)
