"""The build context: an archive, spooled once and indexed; no file of it is made on the host.

Contents lie one after the other in an unnamed file, so that a crash leaves nothing. What a path
means is looked up in the index: there is nothing a link could lead out to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from orlop.builder.source import DIRECTORY, FILE, LINK, OTHER, Item, clean
from orlop.errors import InvalidArgument, SystemFailure
from orlop.oci.ignore import Ignore
from orlop.storage import tar
from orlop.storage.compression import decompressed

_CHUNK = 1 << 20
_BUFFER = 4 << 20
_MODES = 0o7777


class Context:
    """Owns the spool; `close` it."""

    owned = False

    def __init__(self, folder: Path) -> None:
        """`folder`: where the spool may lie."""
        self.fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self.size = 0  # bytes of contents
        self._items: dict[str, Item] = {"": Item("", DIRECTORY, 0o755)}
        self._names: dict[str, list[str]] | None = None
        self._known: dict[str, Item] = {}  # files of an earlier transfer that the spool still has
        self.told: dict[bytes, Item] = {}  # files by the records of an index (`index.py`)
        self.awaited: list[tuple[bytes, Item]] = []  # records whose files are still to come
        self.place = ""  # where the client has it
        self._pending: list[bytes] = []
        self._held = 0

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __len__(self) -> int:
        return len(self._items) - 1

    # --- filling ------------------------------------------------------------------------------

    def load(self, stream: BinaryIO) -> None:
        """Take in a tar, compressed or not. Raises InvalidArgument, OSError (a full disk)."""
        reader = tar.TarReader(decompressed(stream))
        try:
            self._load(reader)
        except tar.TarError as error:
            if "unexpected EOF" in error.message:
                raise SystemFailure("unexpected EOF") from None  # as Docker answers
            raise

    def _load(self, reader: tar.TarReader) -> None:
        while (entry := reader.next()) is not None:
            self._take(entry, reader)
        for _ in reader.rest():
            pass
        self._flush()
        self._names = None

    def _take(self, entry: tar.Entry, reader: tar.TarReader) -> None:
        name = os.fsdecode(entry.name)
        path = clean(name)
        if ".." in name.split("/"):
            raise InvalidArgument(f"invalid path in context archive: {name}")
        mode = entry.mode & _MODES
        if entry.type == tar.DIRECTORY:
            self._put(Item(path, DIRECTORY, mode, entry.uid, entry.gid, mtime_ns=entry.mtime_ns))
        elif entry.type == tar.FILE:
            if path:
                self._put(self._file(path, mode, entry, reader))
        elif entry.type == b"2":
            target = os.fsdecode(entry.link)
            self._put(Item(path, LINK, 0o777, entry.uid, entry.gid, link=target))
        elif entry.type == b"1":
            found = self._items.get(clean(os.fsdecode(entry.link)))
            if found is None or found.kind == DIRECTORY:
                raise InvalidArgument(f"invalid hard link in context archive: {name}")
            self._put(replace(found, path=path))
        elif entry.type in (b"3", b"4", b"6"):
            self._put(Item(path, OTHER, mode, entry.uid, entry.gid))

    def _file(self, path: str, mode: int, entry: tar.Entry, reader: tar.TarReader) -> Item:
        if entry.holes is not None:
            return self._sparse(path, mode, entry, reader)
        start, digest = self.size, hashlib.sha256()
        for chunk in reader.data():
            digest.update(chunk)
            self._append(bytes(chunk))
        return Item(
            path, FILE, mode, entry.uid, entry.gid, self.size - start, "", start,
            digest.hexdigest(), entry.mtime_ns, xattrs=_xattrs(entry),
        )  # fmt: skip

    def _sparse(self, path: str, mode: int, entry: tar.Entry, reader: tar.TarReader) -> Item:
        start, digest = self.size, hashlib.sha256()
        for piece in _filled(entry, reader):
            digest.update(piece)
            self._append(piece)
        return Item(
            path, FILE, mode, entry.uid, entry.gid, self.size - start, "", start,
            digest.hexdigest(), entry.mtime_ns,
        )  # fmt: skip

    # --- filling by entries (files that a client's session sends) ---------------------------------

    def put(self, item: Item) -> None:
        """An entry whose content, if it has any, lies in the spool. Its path is the caller's to
        check."""
        self._put(item)

    def append(self, pieces: list[bytes]) -> int:
        """Where in the spool they lie now."""
        start = self.size
        for piece in pieces:
            self._append(piece)
        return start

    def reserve(self, size: int) -> int:
        """Room for `size` bytes, to be filled by `write_at`."""
        self._flush()
        start = self.size
        self.size += size
        return start

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self.fd, view, offset)
            offset += written
            view = view[written:]

    def again(self) -> Context:
        """An empty context that owns the same spool from now on, and knows what lies in it."""
        made = Context.__new__(Context)
        made.fd, self.fd = self.fd, -1
        made.size = self.size
        made._items, made._names = {"": self._items[""]}, None
        made._known = self._known | {p: i for p, i in self._items.items() if i.kind == FILE}
        made.told, made.awaited, made.place = self.told, [], self.place
        made._pending, made._held = self._pending, self._held
        return made

    def live(self) -> int:
        """Bytes of the spool that are a file's; the rest was replaced."""
        items = self.told.values() if self.told else self._items.values()
        return sum(item.size for item in items if item.kind == FILE)

    def entries(self) -> int:
        """How many its largest index has in memory."""
        return max(len(self._items), len(self.told), len(self._known))

    def recall(self, item: Item) -> bool:
        """Put a file whose content an earlier transfer left in this spool, if there is one."""
        found = self._known.get(item.path)
        if found is None or replace(found, offset=0, digest="") != item:
            return False
        self._put(found)
        return True

    def settle(self) -> None:
        """After the last entry."""
        self._flush()
        self._names = None

    def _append(self, data: bytes) -> None:
        self._pending.append(data)
        self._held += len(data)
        self.size += len(data)
        if self._held >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        """What a full disk refuses stays pending: items that are known already need it."""
        data = memoryview(b"".join(self._pending))
        self.write_at(self.size - len(data), data)
        self._pending.clear()
        self._held = 0

    def _put(self, item: Item) -> None:
        """A later entry replaces an earlier one, as unpacking would."""
        parent = item.path.rpartition("/")[0]
        while parent and parent not in self._items:
            self._items[parent] = Item(parent, DIRECTORY, 0o755)
            parent = parent.rpartition("/")[0]
        before = self._items.get(item.path)
        if before is not None and before.kind == DIRECTORY and item.kind != DIRECTORY:
            below = item.path + "/"
            for path in [p for p in self._items if p.startswith(below)]:
                del self._items[path]
        self._items[item.path] = item

    def add_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """A file of ours: a Dockerfile from elsewhere."""
        self.add_stream(path, iter([data]), mode)

    def add_stream(self, path: str, chunks: Iterator[bytes], mode: int) -> None:
        start, digest = self.size, hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            self._append(chunk)
        self._flush()
        size, found = self.size - start, digest.hexdigest()
        self._put(Item(path, FILE, mode, size=size, offset=start, digest=found))
        self._names = None

    def leave_out(self, ignore: Ignore) -> None:
        """Forget what an ignore file names."""
        kept: dict[str, Item] = {}
        for path, item in self._items.items():
            if not path or not ignore.ignored(path):
                kept[path] = item
        for path in list(kept):  # a kept file's directories stay
            parent = path.rpartition("/")[0]
            while parent and parent not in kept:
                kept[parent] = self._items[parent]
                parent = parent.rpartition("/")[0]
        self._items = kept
        self._names = None

    def part(self, folder: str) -> Context:
        """What lies in a folder, as a context of its own; it is no part of this one any more."""
        made = Context.__new__(Context)
        made.fd, made.size = os.dup(self.fd), self.size
        made._items, made._names = {"": Item("", DIRECTORY, 0o755)}, None
        made._known, made._pending, made._held = {}, [], 0
        made.told, made.awaited, made.place = {}, [], ""
        prefix = folder + "/"
        for path in [p for p in self._items if p.startswith(prefix)]:
            item = self._items.pop(path)
            made._put(replace(item, path=path[len(prefix) :]))
        self._items.pop(folder, None)
        self._names = None
        return made

    def forget(self, path: str) -> None:
        """A file that is the client's message, not content."""
        self._items.pop(path, None)
        self._names = None

    # --- reading ------------------------------------------------------------------------------

    def item(self, path: str) -> Item | None:
        return self._items.get(path)

    def names(self, path: str) -> list[str]:
        if self._names is None:
            found: dict[str, list[str]] = {}
            for name in self._items:
                if name:
                    parent, _, own = name.rpartition("/")
                    found.setdefault(parent, []).append(own)
            for entries in found.values():
                entries.sort(key=os.fsencode)
            self._names = found
        return self._names.get(path, [])

    def read(self, item: Item) -> Iterator[bytes]:
        at, left = item.offset, item.size
        while left:
            chunk = os.pread(self.fd, min(left, _CHUNK), at)
            if not chunk:
                raise OSError(5, "the spool of the context is short", item.path)
            at += len(chunk)
            left -= len(chunk)
            yield chunk

    def digest(self, item: Item) -> str:
        return item.digest

    def content(self, item: Item, limit: int) -> bytes:
        """A small file as a whole. Raises InvalidArgument when it is larger than `limit`."""
        if item.size > limit:
            raise InvalidArgument(f"{item.path} is larger than {limit} bytes")
        return b"".join(self.read(item))


def _filled(entry: tar.Entry, reader: tar.TarReader) -> Iterator[bytes]:
    """A sparse file's bytes with its holes as zeros, a chunk at a time: a hole may be any size."""
    at, stored = 0, memoryview(b"")
    chunks = reader.data()
    for offset, length in [*(entry.holes or ()), (entry.size, 0)]:
        while at < offset:
            piece = bytes(min(offset - at, _CHUNK))
            at += len(piece)
            yield piece
        end = offset + length
        while at < end:
            stored = stored or memoryview(bytes(next(chunks)))
            piece = bytes(stored[: end - at])
            stored = stored[len(piece) :]
            at += len(piece)
            yield piece


def _xattrs(entry: tar.Entry) -> tuple[tuple[str, bytes], ...]:
    found = entry.xattrs or {}
    return tuple(
        sorted((os.fsdecode(k), v) for k, v in found.items() if k == b"security.capability")
    )
