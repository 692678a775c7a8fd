"""Write a tree below a `Root` as a tar stream: `cp` out, `export`, the diff of a container.

PAX headers where ustar cannot hold a value (long names, big ids, xattrs), as Docker's archives
have them. Sockets cannot be archived and are left out. Names are bytes and pass through unchanged.

Invariant: what is read is what was described: sizes are those of the descriptor that is read, a
file that shrinks meanwhile is padded, one that grows is cut.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from orlop.oci.idmap import IDMap
from orlop.paths import Root

BLOCK = 512
_CHUNK = 1 << 20
_ENTRY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_SIZE = 0o77777777777  # what 11 octal digits hold
_MAX_ID = 0o7777777
END = bytes(2 * BLOCK)

FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_TYPES = {
    stat.S_IFREG: FILE,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHAR,
    stat.S_IFBLK: BLOCKDEV,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: FIFO,
}


@dataclass(slots=True)
class Header:
    name: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    type: bytes = FILE
    link: bytes = b""
    major: int = 0
    minor: int = 0
    xattrs: dict[str, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """One ustar block, preceded by a PAX block when needed."""
        pax = self._pax()
        block = _ustar(self)
        if not pax:
            return block
        body = b"".join(_record(k, v) for k, v in sorted(pax.items()))
        lead = Header(_pax_name(self.name), size=len(body), type=b"x", mtime_ns=0)
        return _ustar(lead) + body + padding(len(body)) + block

    def _pax(self) -> dict[bytes, bytes]:
        pax: dict[bytes, bytes] = {}
        if _prefix(self.name) is None or not self.name.isascii():
            pax[b"path"] = self.name
        if len(self.link) > 100 or not self.link.isascii():
            pax[b"linkpath"] = self.link
        if self.size > _MAX_SIZE:
            pax[b"size"] = b"%d" % self.size
        if self.uid > _MAX_ID:
            pax[b"uid"] = b"%d" % self.uid
        if self.gid > _MAX_ID:
            pax[b"gid"] = b"%d" % self.gid
        seconds = self.mtime_ns // 1_000_000_000
        if not 0 <= seconds <= _MAX_SIZE:
            pax[b"mtime"] = b"%d" % seconds
        for name, value in self.xattrs.items():
            pax[b"SCHILY.xattr." + name.encode()] = value
        return pax


def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while True:
        text = b"%d" % length
        if len(text) + len(body) == length:
            return text + body
        length = len(text) + len(body)


def _pax_name(name: bytes) -> bytes:
    return (b"PaxHeaders.0/" + name.rstrip(b"/").rpartition(b"/")[2])[:100]


def _prefix(name: bytes) -> tuple[bytes, bytes] | None:
    """(prefix, name) as ustar splits them, or None."""
    if len(name) <= 100:
        return b"", name
    if len(name) > 256:
        return None
    cut = name.rfind(b"/", 0, 156)
    if cut <= 0 or len(name) - cut - 1 > 100 or cut + 1 == len(name):
        return None
    return name[:cut], name[cut + 1 :]


def _octal(value: int, width: int) -> bytes:
    limit = (1 << (3 * (width - 1))) - 1
    if not 0 <= value <= limit:
        value = 0  # the PAX record has it
    return b"%0*o\0" % (width - 1, value)


def _ustar(h: Header) -> bytes:
    prefix, name = _prefix(h.name) or (b"", h.name[:100])
    block = bytearray(BLOCK)
    block[0 : len(name)] = name
    block[100:108] = _octal(h.mode & 0o7777, 8)
    block[108:116] = _octal(h.uid, 8)
    block[116:124] = _octal(h.gid, 8)
    block[124:136] = _octal(h.size, 12)
    block[136:148] = _octal(h.mtime_ns // 1_000_000_000, 12)
    block[148:156] = b"        "
    block[156:157] = h.type
    link = h.link[:100]
    block[157 : 157 + len(link)] = link
    block[257:265] = b"ustar\x0000"
    if h.type in (CHAR, BLOCKDEV):
        block[329:337] = _octal(h.major, 8)
        block[337:345] = _octal(h.minor, 8)
    else:
        block[329:337] = block[337:345] = b"0000000\0"
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def describe(status: os.stat_result, name: bytes, fd: int) -> Header | None:
    """Header of the object behind an O_PATH or readable `fd`; None for a socket."""
    type = _TYPES.get(stat.S_IFMT(status.st_mode))
    if type is None:
        return None
    if type == DIRECTORY and not name.endswith(b"/"):
        name += b"/"
    header = Header(
        name,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_size if type == FILE else 0,
        status.st_mtime_ns,
        type,
    )
    if type == SYMLINK:
        header.link = os.readlink(b"", dir_fd=fd)
    elif type in (CHAR, BLOCKDEV):
        header.major, header.minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return header


def file_xattrs(fd: int) -> dict[str, bytes]:
    """Those that images carry: security.capability and user.*; overlay's own never."""
    path = f"/proc/self/fd/{fd}"
    try:
        names = os.listxattr(path)
    except OSError:
        return {}
    return {
        n: os.getxattr(path, n)
        for n in names
        if n == "security.capability" or (n.startswith("user.") and "overlay" not in n)
    }


def content(fd: int, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes of an open file, then the padding to a block."""
    left = size
    while left:
        chunk = os.read(fd, min(left, _CHUNK))
        if not chunk:
            chunk = bytes(min(left, _CHUNK))
        left -= len(chunk)
        yield chunk
    if size % BLOCK:
        yield padding(size)


def pack(
    root: Root, path: bytes | str, name: bytes | str, shown: IDMap | None = None
) -> Iterator[bytes]:
    """The tar of `path` and all below it, called `name` in the archive ("" for the children).

    Depth first, sorted. Hard links among the packed files are kept. `path` itself is not followed
    when it is a link. `shown`: whose IDs the tree has, when the archive shall say a container's.
    """
    seen: dict[tuple[int, int], bytes] = {}
    pending: list[bytes] = []
    size = 0
    for piece in _tree(root, os.fsencode(path), os.fsencode(name), seen, shown):
        pending.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(pending)
            pending.clear()
            size = 0
    pending.append(END)
    yield b"".join(pending)


_Level = tuple[int, list[bytes], bytes]  # directory fd, names left (last first), name prefix


def _tree(
    root: Root,
    path: bytes,
    name: bytes,
    seen: dict[tuple[int, int], bytes],
    shown: IDMap | None,
) -> Iterator[bytes]:
    stack: list[_Level] = []
    fd = root.opath(path or b"/", follow=False)
    try:
        yield from _visit(fd, name, seen, stack, shown)
        while stack:
            directory, left, prefix = stack[-1]
            if not left:
                os.close(stack.pop()[0])
                continue
            child = left.pop()
            try:
                fd = os.open(child, _ENTRY, dir_fd=directory)
            except FileNotFoundError:
                continue  # a running container removed it meanwhile
            yield from _visit(fd, prefix + child, seen, stack, shown)
    finally:
        for directory, _, _ in stack:
            os.close(directory)


def _visit(
    fd: int,
    name: bytes,
    seen: dict[tuple[int, int], bytes],
    stack: list[_Level],
    shown: IDMap | None,
) -> Iterator[bytes]:
    """The entry behind `fd` (consumed); a directory's children are put on the stack."""
    try:
        status = os.fstat(fd)
        if name:
            yield from entry(fd, status, name, seen, shown)
        if stat.S_ISDIR(status.st_mode):
            directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
            names = sorted((os.fsencode(n) for n in os.listdir(directory)), reverse=True)
            stack.append((directory, names, name.rstrip(b"/") + b"/" if name else b""))
    finally:
        os.close(fd)


def entry(
    fd: int,
    status: os.stat_result,
    name: bytes,
    seen: dict[tuple[int, int], bytes],
    shown: IDMap | None = None,
) -> Iterator[bytes]:
    header = describe(status, name, fd)
    if header is None:
        return
    if shown is not None:
        header.uid, header.gid = shown.inside(header.uid, header.gid)
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        first = seen.setdefault((status.st_dev, status.st_ino), name)
        if first != name:
            header.type, header.link, header.size = LINK, first, 0
            yield header.encode()
            return
    if header.type != FILE:
        if header.type != SYMLINK:
            header.xattrs = file_xattrs(fd)
        yield header.encode()
        return
    readable = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        header.xattrs = file_xattrs(readable)
        yield header.encode()
        yield from content(readable, header.size)
    finally:
        os.close(readable)
