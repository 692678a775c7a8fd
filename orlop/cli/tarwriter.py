"""Write a tar archive of a path: ustar headers, pax records only where ustar has no room.

`tarfile` would hold each file in memory and take five times as long for small ones.
Source: POSIX pax interchange format.
"""

import os
import stat

from orlop.cli.failure import Failure
from orlop.cli.out import err

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orlop.client.transport import Piece

_BLOCK = 1 << 18
_LARGE = 1 << 20  # of a file's bytes from here on the kernel sends what it has in memory itself
_PART = 1 << 26
_TAIL = b"".join(
    (b"0", bytes(100), b"ustar\x0000", bytes(64), b"0000000\0" * 2, bytes(155), bytes(12))
)  # of a plain file's header, behind its checksum
_REST = sum(_TAIL) + 8 * ord(" ")
_TYPES = {
    stat.S_IFREG: b"0",
    stat.S_IFLNK: b"2",
    stat.S_IFCHR: b"3",
    stat.S_IFBLK: b"4",
    stat.S_IFDIR: b"5",
    stat.S_IFIFO: b"6",
}


def pack(top: str, called: str, follow: bool) -> "Iterator[Piece]":
    """The archive in pieces of about 256 KiB or of a large file; `top` is stored as `called`."""
    if follow and os.path.islink(top):
        top = os.path.realpath(top)
    return _joined(_members(top, called, {}))


def blocks(pieces: "Iterable[bytes]") -> "Iterator[bytes]":
    """The members as a whole archive, joined to about 256 KiB each: a write is dear."""
    return _joined(pieces)  # type: ignore[return-value]  # which adds only bytes


def _joined(pieces: "Iterable[Piece]") -> "Iterator[Piece]":
    pending: list[bytes] = []
    size = 0
    for piece in pieces:
        if not isinstance(piece, bytes):
            yield b"".join(pending)
            yield piece
            pending, size = [], 0
            continue
        pending.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(pending)
            pending, size = [], 0
    pending.append(bytes(1024))
    yield b"".join(pending)


def _members(path: str, name: str, links: dict[tuple[int, int], str]) -> "Iterator[Piece]":
    try:
        info = os.lstat(path)
        kind = _TYPES.get(stat.S_IFMT(info.st_mode))
        if kind is None:
            return  # a socket has no form in an archive
        if kind == b"5":
            yield header(name + "/", info, kind, b"", 0, path)
            names = sorted(os.listdir(path))
        elif kind == b"0":
            yield from _file(path, name, info, links)
            return
        else:
            target = os.fsencode(os.readlink(path)) if kind == b"2" else b""
            yield header(name, info, kind, target, 0, path)
            return
    except OSError as e:
        # as Docker: what cannot be read is named and left out
        err(f"orlop: cannot add {path} to the archive: {e.strerror}\n")
        return
    for child in names:
        yield from _members(f"{path}/{child}", f"{name}/{child}", links)


def file_member(
    path: str, name: str, info: os.stat_result, links: dict[tuple[int, int], str]
) -> "Iterator[bytes]":
    """A file, or the link to the one that was there first, as bytes."""
    return _file(path, name, info, links, sendable=False)  # type: ignore[return-value]


def _file(
    path: str,
    name: str,
    info: os.stat_result,
    links: dict[tuple[int, int], str],
    sendable: bool = True,
) -> "Iterator[Piece]":
    if info.st_nlink > 1:
        key = (info.st_dev, info.st_ino)
        first = links.setdefault(key, name)
        if first != name:
            yield header(name, info, b"1", os.fsencode(first), 0, path)
            return
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        left = info.st_size
        yield header(name, info, b"0", b"", left, path)
        if sendable and left >= _LARGE:
            from orlop.client.transport import FromFile

            while left:
                part = min(left, _PART)
                yield FromFile(fd, part, path)
                left -= part
        while left:
            try:
                data = os.read(fd, min(left, _BLOCK))
            except OSError as e:
                # the header has promised it: without it the archive would be another one
                raise Failure(f"read {path}: {(e.strerror or str(e)).lower()}") from None
            if not data:
                data = bytes(min(left, _BLOCK))  # it shrank: the header has promised more
            left -= len(data)
            yield data
        if info.st_size % 512:
            yield bytes(512 - info.st_size % 512)
    finally:
        os.close(fd)


def header(
    name: str, info: os.stat_result, kind: bytes, link: bytes, size: int, path: str
) -> bytes:
    raw = os.fsencode(name)
    if kind == b"0" and _is_plain(raw, info, size):
        return _plain(raw, info, size)
    records: list[tuple[str, bytes]] = []
    prefix = b""
    if len(raw) > 100:
        prefix, raw = _split(raw, records)
    if len(link) > 100:
        records.append(("linkpath", link))
        link = link[:100]
    numbers = []
    for key, value, digits in (
        ("uid", info.st_uid, 7),
        ("gid", info.st_gid, 7),
        ("size", size, 11),
        ("mtime", int(info.st_mtime), 11),
    ):
        if not 0 <= value < 8**digits:
            records.append((key, str(value).encode()))
            value = 0
        numbers.append(b"%0*o\0" % (digits, value))
    if kind == b"0":
        records += _capability(path)
    major = minor = 0
    if kind in (b"3", b"4"):
        major, minor = os.major(info.st_rdev), os.minor(info.st_rdev)
    head = b"".join(
        (
            raw.ljust(100, b"\0"),
            b"%07o\0" % (info.st_mode & 0o7777),
            *numbers,
            b"        ",  # the checksum is taken over blanks
            kind,
            link.ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),
            b"%07o\0%07o\0" % (major, minor),
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    head = head[:148] + b"%06o\0 " % sum(head) + head[156:]
    return (_pax(records) if records else b"") + head


def _is_plain(raw: bytes, info: os.stat_result, size: int) -> bool:
    """A file that ustar has room for and that has no capabilities: nobody executes it."""
    return (
        len(raw) <= 100
        and not info.st_mode & 0o111
        and 0 <= info.st_mtime < 8**11
        and size < 8**11
        and info.st_uid < 8**7
        and info.st_gid < 8**7
    )


def _plain(raw: bytes, info: os.stat_result, size: int) -> bytes:
    """The same bytes in a fourth of the time: most of a context are such files."""
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        info.st_mode & 0o7777, info.st_uid, info.st_gid, size, int(info.st_mtime),
    )  # fmt: skip
    checksum = b"%06o\0 " % (sum(raw) + sum(numbers) + _REST)
    return b"".join((raw, bytes(100 - len(raw)), numbers, checksum, _TAIL))


def _split(raw: bytes, records: list[tuple[str, bytes]]) -> tuple[bytes, bytes]:
    """(prefix, name) for a name that fits ustar, else cut, with a record of the whole."""
    at = raw.rfind(b"/", 0, 156)
    if at > 0 and 0 < len(raw) - at - 1 <= 100:
        return raw[:at], raw[at + 1 :]
    records.append(("path", raw))
    return b"", raw[:100]


def _capability(path: str) -> list[tuple[str, bytes]]:
    try:
        value = os.getxattr(path, "security.capability", follow_symlinks=False)
    except OSError:
        return []
    return [("SCHILY.xattr.security.capability", value)]


def _pax(records: list[tuple[str, bytes]]) -> bytes:
    body = b""
    for key, value in records:
        rest = b" %b=%b\n" % (key.encode(), value)
        size = len(rest) + 1
        while len(str(size)) + len(rest) != size:
            size = len(str(size)) + len(rest)
        body += str(size).encode() + rest
    fields = b"pax".ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    head = fields + b"%011o\0" % len(body) + b"00000000000\0" + b"        x" + bytes(100)
    head += b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
    head = head[:148] + b"%06o\0 " % sum(head) + head[156:]
    return head + body + bytes(-len(body) % 512)
