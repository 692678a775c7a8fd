"""A context by its index: a client tells what there is, and sends what the daemon has not.

An index is records, each ended by a NUL: `KIND MODE UID GID MTIME_NS SIZE STAMP CAPS PATH`, MODE in
octal, CAPS the hexadecimal security.capability or `-`. Of a symbolic link (`l`) and of a hard link
(`h`, to a file told before) the PATH is `path//target`. STAMP names a state of a file: the client
makes it of device, inode and change time, which nobody can set. A file whose whole record is known
from an earlier transfer is taken from there; one with the STAMP `-` never is.

Contents follow in the index's order: eight bytes of length, most significant first, then the bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from orlop.builder.context import Context
from orlop.builder.source import DIRECTORY, FILE, LINK, OTHER, Item, clean
from orlop.errors import InvalidArgument, SystemFailure

LIMIT = 256 << 20  # bytes of an index
_KINDS = {b"d": DIRECTORY, b"f": FILE, b"l": LINK, b"h": FILE, b"o": OTHER}
_CAPABILITY = 24  # bytes, in its longest form
_LONGEST = 1 << 50  # bytes of a file
_PIECE = 1 << 18
_NO_STAMP = b"-"


def read(context: Context, data: bytes) -> list[int]:
    """Fill an empty `context` but for the contents that are not known: the numbers of those
    records, for `fill`. Raises InvalidArgument."""
    known, context.told = context.told, {}
    context.awaited = []
    numbers, waiting = [], set[str]()
    for number, record in enumerate(data.split(b"\0")[:-1]):
        item = known.get(record)
        if item is not None:
            context.told[record] = item
            context.put(item)
            continue
        item = _item(record)
        if item.kind == FILE and item.link:
            _link(context, item, waiting)
            continue
        context.put(item)  # of a file: in its place until its content comes
        if item.kind == FILE:
            context.awaited.append((record, item))
            waiting.add(item.path)
            numbers.append(number)
    context.settle()
    return numbers


def fill(context: Context, stream: BinaryIO) -> None:
    """Take in the awaited contents. Raises InvalidArgument, SystemFailure, OSError (full disk)."""
    source = _Source(stream)
    links: dict[str, list[Item]] = {}
    for _, item in context.awaited:
        if item.link:
            links.setdefault(item.link, []).append(item)
    for record, item in context.awaited:
        if item.link:
            continue
        size, digest = int.from_bytes(source.exactly(8), "big"), hashlib.sha256()
        if size > _LONGEST:
            raise InvalidArgument(f"{item.path}: invalid size")
        start = context.size
        for piece in source.pieces(size):
            digest.update(piece)
            context.append([piece])
        found = replace(item, size=size, offset=start, digest=digest.hexdigest())
        context.put(found)
        for link in links.get(item.path, ()):
            context.put(replace(found, path=link.path))
        if record.split(b" ", 7)[6] != _NO_STAMP:
            context.told[record] = found
    context.awaited = []
    context.settle()


def _item(record: bytes) -> Item:
    fields = record.split(b" ", 8)
    try:
        kind, mode, uid, gid, mtime, size, _, caps, name = fields
        found = _KINDS[kind]
        path, _, link = os.fsdecode(name).partition("//")
        numbers = int(mode, 8), int(uid), int(gid), int(size), int(mtime)
        held = b"" if caps == b"-" else bytes.fromhex(caps.decode("ascii"))
    except (ValueError, KeyError):
        raise InvalidArgument(f"invalid record in a context's index: {record[:200]!r}") from None
    if not path or path != clean(path) or bool(link) != (kind in b"lh"):
        raise InvalidArgument(f"invalid path in a context's index: {name[:200]!r}")
    bits, owner, group, length, modified = numbers
    if not 0 <= bits <= 0o7777 or not 0 <= min(owner, group) <= max(owner, group) < (1 << 32) - 1:
        raise InvalidArgument(f"{path}: invalid mode or owner")
    if not 0 <= length < _LONGEST or abs(modified) >= 1 << 63 or len(held) > _CAPABILITY:
        raise InvalidArgument(f"{path}: invalid size, time or capabilities")
    return Item(
        path, found, bits, owner, group, length if found == FILE else 0, link,
        mtime_ns=modified, xattrs=(("security.capability", held),) if held else (),
    )  # fmt: skip


def _link(context: Context, item: Item, waiting: set[str]) -> None:
    """A hard link; one to a file whose content is awaited waits with it."""
    found = context.item(item.link)
    if found is None or found.kind != FILE or not (found.digest or found.path in waiting):
        raise InvalidArgument(f"invalid hard link in a context's index: {item.path}")
    context.put(replace(found, path=item.path))
    if not found.digest:
        context.awaited.append((b"", item))


class _Source:
    """A stream in pieces of one's own size."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0

    def exactly(self, size: int) -> bytes:
        """A few bytes."""
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """Raises SystemFailure where the stream is short."""
        while size:
            if self._at == len(self._data):
                self._data, self._at = self._stream.read(_PIECE), 0
                if not self._data:
                    raise SystemFailure("unexpected EOF")
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece
