"""A context by its index (`orlop/builder/index.py`): only what the daemon lacks is sent.

Small contexts, and other daemons', go as an archive.
"""

import os
import stat
import time

from orlop.cli.buildcontext import Directory, unreadable
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Part = tuple[str, Directory]  # what its names begin with

_FEW, _SMALL = 50, 1 << 20  # files, bytes: below both an archive is sent at once
_LIMIT = 256 << 20  # bytes of an index
_BLOCK = 1 << 18
_RACY = 2 * 10**9  # ns: what changed so lately may change again without another change time
_KINDS = {stat.S_IFDIR: "d", stat.S_IFREG: "f", stat.S_IFLNK: "l", stat.S_IFIFO: "o"}


def offer(session: Session, parts: "list[Part]") -> "tuple[str, Iterable[bytes]] | None":
    """(the daemon's name for the context, what the body of the build is to be); None: send an
    archive. Raises Failure, ApiError."""
    index = _Index()
    for prefix, directory in parts:
        index.add(prefix, directory)
    data = b"".join(index.records)
    small = len(index.files) < _FEW and index.size < _SMALL
    if small or len(data) > _LIMIT:
        return None
    path = "/orlop/build/context" + query({"place": _place(parts[0][1].path)})
    try:
        found = session.client.call("POST", path, stream=[data])
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return str(found["Context"]), _Contents(index.files, found["Awaited"])


class _Index:
    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.files: dict[int, str | bytes] = {}  # number of the record → path, or content
        self.size = 0

    def add(self, prefix: str, directory: Directory) -> None:
        for name, data in directory.extra.items():
            self.files[len(self.records)] = data
            stamp = name.rpartition(".")[2]  # it says what is in it
            self.records.append(f"f 644 0 0 0 {len(data)} {stamp} - {prefix}{name}\0".encode())
        fresh = time.time_ns() - _RACY
        links: dict[tuple[int, int], str] = {}
        for inner, info in directory.entries():
            kind = _KINDS.get(stat.S_IFMT(info.st_mode))
            if kind is not None:
                self._entry(kind, f"{directory.path}/{inner}", prefix + inner, info, fresh, links)

    def _entry(
        self, kind: str, path: str, name: str, info: os.stat_result, fresh: int,
        links: dict[tuple[int, int], str],
    ) -> None:  # fmt: skip
        stamp = caps = "-"
        if kind == "l":
            name = f"{name}//{os.readlink(path)}"
        elif kind == "f":
            first = name
            if info.st_nlink > 1:
                first = links.setdefault((info.st_dev, info.st_ino), name)
            if first != name:
                kind, name = "h", f"{name}//{first}"
            else:
                if info.st_ctime_ns < fresh:
                    stamp = f"{info.st_dev:x}.{info.st_ino:x}.{info.st_ctime_ns:x}"
                if info.st_mode & 0o111:
                    caps = _capability(path)
                self.files[len(self.records)] = path
                self.size += info.st_size
        record = (
            f"{kind} {info.st_mode & 0o7777:o} {info.st_uid} {info.st_gid} {info.st_mtime_ns} "
            f"{info.st_size} {stamp} {caps} {name}\0"
        )
        self.records.append(os.fsencode(record))


class _Contents:
    """Those that are awaited, as often as it is asked for."""

    def __init__(self, files: "dict[int, str | bytes]", runs: list[list[int]]) -> None:
        self._files = files
        self._runs = runs

    def __iter__(self) -> "Iterator[bytes]":
        pending: list[bytes] = []
        size = 0
        for piece in self._pieces():
            pending.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                yield b"".join(pending)
                pending, size = [], 0
        yield b"".join(pending)

    def _pieces(self) -> "Iterator[bytes]":
        for first, last in self._runs:
            for number in range(first, last + 1):
                found = self._files.get(number)
                if isinstance(found, bytes):
                    yield len(found).to_bytes(8, "big")
                    yield found
                elif found is not None:
                    yield from _content(found)


def _content(path: str) -> "Iterator[bytes]":
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:
        raise unreadable(path) from None
    try:
        data = os.read(fd, _BLOCK)
        while 0 < len(data) < _BLOCK and (more := os.read(fd, _BLOCK - len(data))):
            data += more  # a network's filesystem may give less than there is
        if len(data) < _BLOCK:
            yield len(data).to_bytes(8, "big")
            yield data
            return
        left = max(os.fstat(fd).st_size, len(data))
        yield left.to_bytes(8, "big")
        while left:
            data = data[:left] or bytes(min(left, _BLOCK))  # it shrank: its size was promised
            left -= len(data)
            yield data
            data = os.read(fd, min(left, _BLOCK))
    finally:
        os.close(fd)


def _capability(path: str) -> str:
    try:
        return os.getxattr(path, "security.capability", follow_symlinks=False).hex()
    except OSError:
        return "-"


def _place(path: str) -> str:
    """This directory of this machine, as it is since its boot."""
    names = []
    for file in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            with open(file, encoding="ascii", errors="replace") as found:
                names.append(found.read(64).strip())
        except OSError:
            names.append("")
    return ":".join([*names, path])
