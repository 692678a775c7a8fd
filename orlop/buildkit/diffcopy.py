"""`FileSync/DiffCopy`: a directory of the client's → the index and spool of a context.

The sender tells what there is (STAT, in the order of a walk), we ask for contents by number (REQ),
it sends them in pieces (DATA, an empty one ends a file), and both say FIN. Source:
github.com/tonistiigi/fsutil, send.go and receive.go (the protocol in words).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orlop.builder.context import Context
from orlop.builder.source import DIRECTORY, FILE, LINK, OTHER, Item, clean
from orlop.buildkit import messages as m
from orlop.buildkit.grpc import RpcFailure
from orlop.buildkit.session import Session, header_values
from orlop.errors import InvalidArgument
from orlop.oci import filemode
from orlop.protobuf import Malformed, decode, encode

PATH = "/moby.filesync.v1.FileSync/DiffCopy"
STAT, REQUEST, DATA, FIN, ERROR = range(5)
_LONGEST = 4096  # bytes of a path
_MOST = 2_000_000  # entries
_CAPABILITY = 24  # bytes of security.capability, in its longest form
_ASKED = 512  # files under way: what we ask for must fit a window while nobody reads it
_SMALL = 64 << 10  # bytes of a file that is gathered in memory

Progress = Callable[[int], None]


@dataclass(slots=True)
class _File:
    """A file whose content is under way."""

    item: Item
    digest: Any = field(default_factory=hashlib.sha256)
    got: int = 0
    pieces: list[bytes] = field(default_factory=list)
    offset: int = -1  # where in the spool, for a large one


@dataclass(slots=True)
class Wanted:
    """What of a directory is asked for, in the client's words."""

    name: str
    follow: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def metadata(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {"dir-name": [self.name]}
        for name, values in (
            ("followpaths", self.follow),
            ("include-patterns", self.include),
            ("exclude-patterns", self.exclude),
        ):
            if values:
                out[name], encoded = header_values(values)
                if encoded:
                    out[f"{name}-encoded"] = ["1"]
        return out


def receive(session: Session, wanted: Wanted, context: Context, progress: Progress) -> None:
    """Fill `context`. `progress` gets the bytes so far. Raises RpcFailure, InvalidArgument,
    OSError (a full disk)."""
    call = session.open(PATH, wanted.metadata())
    try:
        receiver = Receiver(context)
        total = 0
        while (data := call.receive()) is not None:
            while data is not None:
                total += len(data)
                receiver.take(data)
                data = call.ready()
            progress(total)
            asked = receiver.answers()
            if asked:
                call.send_encoded(asked)
        if not receiver.finished:
            raise RpcFailure(2, "the client ended the transfer early")
        context.settle()
    finally:
        call.close()


class Receiver:
    """Packets in, packets out; nothing else."""

    def __init__(self, context: Context) -> None:
        self.finished = False
        self._context = context
        self._number = 0
        self._last: tuple[str, ...] = ()
        self._told = False  # all there is
        self._waiting: deque[tuple[int, Item]] = deque()
        self._open: dict[int, _File] = {}
        self._pending: set[str] = set()  # paths of both
        self._links: list[Item] = []  # hard links to those
        self._said_end = False

    def take(self, data: bytes) -> None:
        """One packet. Raises InvalidArgument, RpcFailure."""
        try:
            packet = decode(m.PACKET, data)
        except Malformed as error:
            raise InvalidArgument(f"malformed packet: {error}") from None
        kind = packet.get("type", STAT)
        if kind == DATA:
            self._content(packet.get("id", 0), packet.get("data", b""))
        elif kind == STAT:
            self._entry(packet.get("stat"))
        elif kind == FIN:
            if not self._said_end:
                raise InvalidArgument("the transfer ended before its files")
            self.finished = True
        elif kind == ERROR:
            text = packet.get("data", b"")[:4096].decode("utf-8", "replace")
            raise RpcFailure(2, f"error from sender: {text}")
        else:
            raise InvalidArgument(f"unexpected packet {kind}")

    def answers(self) -> list[bytes]:
        """What is to be sent now."""
        out = []
        while self._waiting and len(self._open) < _ASKED:
            number, item = self._waiting.popleft()
            self._open[number] = self._begun(item)
            out.append(encode(m.PACKET, {"type": REQUEST, "id": number}))
        if self._told and not self._open and not self._waiting and not self._said_end:
            for item in self._links:
                self._context.put(self._linked(item))
            self._said_end = True
            out.append(encode(m.PACKET, {"type": FIN}))
        return out

    # --- entries ----------------------------------------------------------------------------------

    def _entry(self, stat: dict[str, Any] | None) -> None:
        if self._told:
            raise InvalidArgument("an entry after the last")
        if stat is None:
            self._told = True
            return
        number = self._number
        self._number += 1
        if self._number > _MOST:
            raise InvalidArgument(f"the context has more than {_MOST} entries")
        item = self._item(stat)
        if item.kind == FILE and item.link:
            if item.link in self._pending:
                self._links.append(item)
                self._pending.add(item.path)  # another may be a link to this one
            else:
                self._context.put(self._linked(item))
        elif item.kind == FILE and item.size:
            if not self._context.recall(item):
                self._waiting.append((number, item))
                self._pending.add(item.path)
        else:
            empty = hashlib.sha256().hexdigest() if item.kind == FILE else ""
            self._context.put(replace(item, digest=empty))

    def _item(self, stat: dict[str, Any]) -> Item:
        path, link = stat.get("path", ""), stat.get("link", "")
        if len(path) > _LONGEST or len(link) > _LONGEST:
            raise InvalidArgument("a path is longer than 4096 bytes")
        if not path or "\0" in path or path != clean(path):
            raise InvalidArgument(f"invalid path in the client's files: {path!r}")
        parts = tuple(path.split("/"))
        parent = self._context.item("/".join(parts[:-1]))
        if parts <= self._last or parent is None or parent.kind != DIRECTORY:
            raise InvalidArgument(f"changes out of order: {path!r} {'/'.join(self._last)!r}")
        self._last = parts
        mode = stat.get("mode", 0)
        size = stat.get("size", 0)
        kind = _kind(mode)
        if not 0 <= size < 1 << 50:
            raise InvalidArgument(f"{path}: invalid size")
        if "\0" in link or max(stat.get("uid", 0), stat.get("gid", 0)) >= (1 << 32) - 1:
            raise InvalidArgument(f"{path}: invalid link or owner")
        caps = stat.get("xattrs", {}).get("security.capability")
        if caps and len(caps) > _CAPABILITY:
            raise InvalidArgument(f"{path}: invalid capabilities")
        return Item(
            path, kind, filemode.bits(mode), stat.get("uid", 0), stat.get("gid", 0),
            size if kind == FILE else 0, link, mtime_ns=stat.get("modified", 0),
            xattrs=(("security.capability", caps),) if caps and kind == FILE else (),
        )  # fmt: skip

    def _linked(self, item: Item) -> Item:
        found = self._context.item(item.link)
        if found is None or found.kind != FILE:
            raise InvalidArgument(f"invalid hard link {item.path!r}: {item.link!r} is not there")
        return replace(found, path=item.path)

    # --- contents ---------------------------------------------------------------------------------

    def _begun(self, item: Item) -> _File:
        made = _File(item)
        if item.size > _SMALL:
            made.offset = self._context.reserve(item.size)
        return made

    def _content(self, number: int, data: bytes) -> None:
        file = self._open.get(number)
        if file is None:
            raise InvalidArgument(f"invalid file request {number}")
        if not data:
            del self._open[number]
            self._keep(file)
            return
        if file.got + len(data) > max(file.item.size, _SMALL):
            raise InvalidArgument(f"{file.item.path}: the file grew while it was sent")
        file.digest.update(data)
        if file.offset < 0:
            file.pieces.append(data)
        else:
            self._context.write_at(file.offset + file.got, data)
        file.got += len(data)

    def _keep(self, file: _File) -> None:
        context = self._context
        offset = file.offset if file.offset >= 0 else context.append(file.pieces)
        context.put(
            replace(file.item, size=file.got, offset=offset, digest=file.digest.hexdigest())
        )


def _kind(mode: int) -> str:
    if mode & filemode.DIRECTORY:
        return DIRECTORY
    if mode & filemode.SYMLINK:
        return LINK
    return OTHER if mode & filemode.KINDS else FILE
