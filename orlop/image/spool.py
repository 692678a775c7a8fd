"""An image archive on its way in: members by name, layers unpacked while the rest still arrives.

Names are only keys of a dict here; no member's name ever becomes a path. Small members stay in
memory (bounded), large ones go to unnamed files.
"""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, BinaryIO

from orlop.errors import InvalidArgument, SystemFailure
from orlop.image.images import Images
from orlop.image.model import Staged
from orlop.image.staging import stage_file
from orlop.oci.digest import DiffID
from orlop.storage import compression, tar

_MEMORY = 16 << 20
_SMALL = 64 << 10
_MAX_MEMBERS = 100_000
_MAX_LINKS = 32


class Member:
    """One file of the archive, and its layer if it was unpacked ahead."""

    __slots__ = ("data", "file", "job", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.data: bytes | None = None
        self.file: IO[bytes] | None = None
        self.job: Future[Staged] | None = None

    def open(self) -> BinaryIO:
        """A stream of the whole content. One at a time."""
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.file is not None
        self.file.seek(0)
        return self.file  # type: ignore[return-value]

    @property
    def offset(self) -> int:
        """How far a worker has read (it shares the open file)."""
        return os.lseek(self.file.fileno(), 0, os.SEEK_CUR) if self.file is not None else 0


class Spool:
    """Use as a context manager: what was unpacked and not taken is dropped."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}
        self._held = 0
        self._known = {d for image in images.all() for d in image.diff_ids}
        self._pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2), "load")
        self._stop = threading.Event()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for member in self._members.values():
            if member.job is not None and not member.job.cancelled():
                with suppress(Exception):
                    self._images.layers.drop(member.job.result())
            if member.file is not None:
                member.file.close()
        self._members.clear()

    def read(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        """Take the whole archive in. `check` may raise to stop. InvalidArgument when damaged."""
        reader = tar.TarReader(compression.decompressed(stream))
        while (entry := reader.next()) is not None:
            check()
            if len(self._members) + len(self._links) >= _MAX_MEMBERS:
                raise InvalidArgument("too many members in the image archive")
            name = normal(os.fsdecode(entry.name))
            if not name:
                continue
            if entry.type in (tar.SYMLINK, tar.LINK):
                target = os.fsdecode(entry.link)
                base = posixpath.dirname(name) if entry.type == tar.SYMLINK else ""
                self._links[name] = normal(posixpath.join(base, target))
            elif entry.type in (tar.FILE, b"\0", b"7"):
                self._replace(name, self._take(name, entry.size, reader.data()))
        for _ in reader.rest():
            pass  # a client that is still writing must not get a broken pipe

    def _replace(self, name: str, member: Member) -> None:
        if name in self._members:
            raise InvalidArgument(f"the archive has {name[:100]!r} twice")
        self._members[name] = member

    def _take(self, name: str, size: int, chunks: Iterator[bytes]) -> Member:
        member = Member(size)
        if size <= _SMALL and self._held + size <= _MEMORY:
            member.data = b"".join(chunks)
            self._held += size
            return member
        member.file = tempfile.TemporaryFile(dir=self._images.scratch, buffering=0)  # noqa: SIM115
        fd = member.file.fileno()
        head = b""
        for chunk in chunks:
            head = head or chunk[: tar.BLOCK]
            view = memoryview(chunk)
            while view:
                view = view[os.write(fd, view) :]
        if looks_like_layer(name, head, self._known):
            self.unpack(member)
        return member

    def unpack(self, member: Member) -> None:
        """Start unpacking ahead of the manifest that will say whether it is wanted."""
        if member.job is None:
            member.job = self._pool.submit(self._stage, member)

    def _stage(self, member: Member) -> Staged:
        if self._stop.is_set():
            raise SystemFailure("loading was given up")
        return stage_file(self._images.layers, member.open(), None, 0)

    def find(self, name: str) -> Member | None:
        name = normal(name)
        for _ in range(_MAX_LINKS):
            if name in self._members:
                return self._members[name]
            if name not in self._links:
                return None
            name = self._links[name]
        return None

    def document(self, name: str, limit: int) -> bytes | None:
        """A small member's content, None when it is not there. Raises InvalidArgument."""
        member = self.find(name)
        if member is None:
            return None
        if member.size > limit:
            raise InvalidArgument(f"{name[:100]!r} in the archive is too large")
        if member.data is not None:
            return member.data
        assert member.file is not None
        return os.pread(member.file.fileno(), member.size, 0)


def normal(name: str) -> str:
    """A member's key: no leading `./` or `/`, no `..` that leaves the archive."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def looks_like_layer(name: str, head: bytes, known: set[DiffID]) -> bool:
    """Compressed or a tar; and not the plain form of a layer that we have."""
    base = name.rpartition("/")[2]
    if DiffID("sha256:" + base.removesuffix(".tar")) in known:
        return False
    return bool(compression.detect(head)) or head[257:262] == b"ustar" or base == "layer.tar"


def take_staged(member: Member) -> Any:
    """The unpacked layer; it now belongs to the caller. Raises what unpacking raised."""
    assert member.job is not None
    job, member.job = member.job, None
    return job.result()
