"""Write tar-split data while a layer is unpacked; `tarsplit.py` says what it is and reads it.

Runs in the worker: only light modules. Line for line what Docker writes for the same archive.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator

import fastcrc
from isal import isal_zlib

from orlop.storage.tar import DIRECTORY, FILE, Entry, TarReader, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_WHITEOUT = b".wh."
_REMEMBERED = 50_000  # directory names; an archive with more may name one twice
_crc64 = fastcrc.crc64.go_iso
# As Go's encoding/json, which also keeps HTML's characters out
_ESCAPES = {n: f"\\u{n:04x}" for n in (*range(32), 0x2028, 0x2029, *b"<>&")}
_ESCAPES |= {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    12: "\\f",
    13: "\\r",
}


class Writer:
    """Collects the records of one archive and writes them gzipped into `sink`."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._coder = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
        self._position = 0

    def segment(self, raw: bytes | bytearray) -> None:
        if not raw:
            return
        payload = _base64(raw)
        self._put(f'{{"type":2,"payload":"{payload}","position":{self._position}}}\n')

    def member(self, name: bytes, size: int, crc: int) -> None:
        try:
            named = f'"name":{_quote(name.decode())},'
        except UnicodeDecodeError:
            named = f'"name_raw":"{_base64(name)}",'
        if size:
            check = _base64(crc.to_bytes(8, "big"))
            rest = f'"size":{size},"payload":"{check}"'
        else:
            rest = '"payload":null'
        self._put(f'{{"type":1,{named}{rest},"position":{self._position}}}\n')

    def _put(self, line: str) -> None:
        self._position += 1
        out = self._coder.compress(line.encode())
        if out:
            self._sink.write(out)

    def close(self) -> None:
        self._sink.write(self._coder.flush())


def _base(name: bytes) -> bytes:
    """What the member is called in its directory; `.wh.a/.` is `.wh.a`."""
    base = name.rpartition(b"/")[2]
    if base not in (b"", b".", b".."):
        return base
    found = parts(name)
    return found[-1] if found else b""


def _base64(raw: bytes | bytearray) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()


def _quote(text: str) -> str:
    if text.isalnum() and text.isascii():
        return f'"{text}"'
    return f'"{text.translate(_ESCAPES)}"'


class Splitter:
    """Drives a TarReader (made with keep_raw) and records while the caller takes the contents.

    What is stored for a member and is no file of the tree, byte for byte (sparse files, whiteouts
    with content), is recorded raw: no reader could find it there.
    """

    def __init__(self, reader: TarReader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._pending: tuple[bytes, int] | None = None
        self._raw = False  # the content of the current member is recorded
        self._crc = 0
        self._directories: set[bytes] = set()

    def next(self) -> Entry | None:
        for _ in self.data():
            pass
        if self._pending is not None:
            self._writer.member(*self._pending, self._crc)
            self._pending = None
        entry = self._reader.next()
        if entry is None:
            self._end()
            return None
        self._writer.segment(self._reader.raw)
        self._reader.raw.clear()
        hidden = _base(entry.name).startswith(_WHITEOUT)
        self._raw = not entry.plain or (entry.type == FILE and entry.size > 0 and hidden)
        self._crc = 0
        if entry.type == DIRECTORY and self._again(entry.name):
            pass  # dockerd refuses to read two records of one name, and needs none here
        elif self._raw:
            self._writer.member(entry.name, 0, 0)
        else:
            self._pending = entry.name, entry.size
        return entry

    def _again(self, name: bytes) -> bool:
        plain = name.strip(b"/").removeprefix(b"./")
        if plain in self._directories:
            return True
        if len(self._directories) < _REMEMBERED:
            self._directories.add(plain)
        return False

    def data(self) -> Iterator[bytes]:
        for chunk in self._reader.data():
            if self._raw:
                self._writer.segment(chunk)
            else:
                self._crc = _crc64(chunk, self._crc)
            yield chunk

    def _end(self) -> None:
        self._writer.segment(self._reader.raw)
        self._reader.raw.clear()
        for chunk in self._reader.rest():
            self._writer.segment(chunk)
