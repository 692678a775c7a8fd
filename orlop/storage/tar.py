"""Read tar archives: ustar, PAX, GNU long names, sparse files, base-256 numbers.

Own code because it is five times faster than `tarfile`, keeps the raw header bytes that tar-split
needs, and trusts nothing: sizes are bounded, fields are parsed strictly, nothing is written here.
Where archives are ambiguous it reads them as Go's archive/tar does (a second PAX header replaces
the first, global records are passed over): an image must be the same files here and in Docker.

Source: POSIX.1-2001 pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orlop.errors import InvalidArgument
from orlop.storage import sparse

BLOCK = 512
MAX_EXTENSION = 1 << 20  # bytes of one PAX or long-name record
_MAX_EXTENSIONS = 4 << 20  # bytes of all of them before one member
_ZERO = bytes(BLOCK)

FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_OLD_SPARSE, _DUMP_DIRECTORY = b"S", b"D"
_NO_DATA = frozenset((LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO))
_KNOWN = frozenset((FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO))
_MAGICS = (b"ustar\x0000", b"ustar  \0", b"ustar\0\0\0")
_XATTR = b"SCHILY.xattr."

Records = list[tuple[bytes, bytes]]


class TarError(InvalidArgument):
    """The archive is damaged or not an archive."""


class Entry:
    """One member. Names are bytes; `mtime_ns` counts from the epoch; `size` is that of the file.

    `holes`: of a sparse file, where its stored bytes belong, (offset, length) each. `plain`: the
    archive holds the bytes of the file as they are, and nothing else behind the header.
    """

    __slots__ = (
        "gid",
        "holes",
        "link",
        "major",
        "minor",
        "mode",
        "mtime_ns",
        "name",
        "plain",
        "size",
        "type",
        "uid",
        "xattrs",
    )

    name: bytes
    link: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    type: bytes
    major: int
    minor: int
    xattrs: dict[bytes, bytes] | None
    holes: sparse.Map | None
    plain: bool


class TarReader:
    """Sequential reader over chunks of bytes.

    `next()` gives the next entry (skipping what is left of the last one's data), `data()` the
    chunks stored for it. `raw` collects every byte that is not file content, in order: tar-split
    takes and clears it before each entry's data.
    """

    def __init__(self, chunks: Iterator[bytes], *, keep_raw: bool = False) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0
        self._left = 0  # content bytes of the current entry not yet read
        self._pad = 0
        self._extensions = 0  # bytes of headers before the current entry
        self._keep = keep_raw
        self.raw = bytearray()

    def next(self) -> Entry | None:
        """None at the end of the archive; what follows the end marker stays unread."""
        for _ in self.data():
            pass
        self._skip_padding()
        self._extensions = 0
        pax: Records = []
        long_name = long_link = None
        while True:
            block = self._take(BLOCK, end_ok=True)
            if block is None:
                if pax or long_name is not None or long_link is not None:
                    raise TarError("unexpected EOF")
                return None
            if block == _ZERO:
                self._finish()
                return None
            entry = _parse(block)
            kind = entry.type
            if kind in (b"x", b"X"):
                pax = _pax_records(self._extension(entry))
            elif kind == b"g":
                _pax_records(self._extension(entry))
            elif kind == b"L":
                long_name = self._extension(entry).split(b"\0", 1)[0]
            elif kind == b"K":
                long_link = self._extension(entry).split(b"\0", 1)[0]
            else:
                break
        if long_name is not None:
            entry.name = long_name
        if long_link is not None:
            entry.link = long_link
        if pax:
            _apply(entry, pax)
        self._settle(entry, block, pax)
        return entry

    def _settle(self, entry: Entry, block: bytes, pax: Records) -> None:
        """What the member is, and how many bytes are stored for it."""
        kind = entry.type
        if kind == FILE and entry.name.endswith(b"/"):
            entry.type = kind = DIRECTORY  # from before ustar; the name may be a long one
        if kind in _NO_DATA:
            entry.size = 0
        self._left = entry.size
        self._pad = -entry.size % BLOCK
        if kind == _DUMP_DIRECTORY:  # a list of names is stored; nobody needs it
            entry.type, entry.size, entry.plain = DIRECTORY, 0, False
        elif kind == _OLD_SPARSE:
            entry.type, entry.plain = FILE, False
            entry.holes, entry.size = sparse.old_gnu(block, _number, self._extension_block)
        elif kind not in _KNOWN:
            raise TarError(f"unhandled tar header type {kind[0]}: {entry.name[:100]!r}")
        elif kind == FILE and pax:
            self._pax_sparse(entry, pax)
        if entry.holes is not None:
            sparse.checked(entry.holes, entry.size, self._left)

    def _pax_sparse(self, entry: Entry, pax: Records) -> None:
        said = {key: value for key, value in pax if key.startswith(b"GNU.sparse.")}
        if not said:
            return
        major, minor = said.get(b"GNU.sparse.major"), said.get(b"GNU.sparse.minor")
        if (major, minor) == (b"1", b"0"):
            entry.holes = sparse.pax_1(self._map_line())
        else:
            entry.holes = sparse.pax_0(pax)
        if entry.holes is None:
            return  # no map, or a form that nobody wrote down: as Go, the bytes as they are
        entry.plain = False
        entry.name = said.get(b"GNU.sparse.name") or entry.name
        size = said.get(b"GNU.sparse.realsize") or said.get(b"GNU.sparse.size")
        if size:
            entry.size = _decimal(size)

    def _map_line(self) -> Callable[[], bytes]:
        """Lines of a map that is stored in front of the data, in whole blocks."""

        def lines() -> Iterator[bytes]:
            text = b""
            while True:
                head, newline, rest = text.partition(b"\n")
                if newline:
                    text = rest
                    yield head
                    continue
                if self._left < BLOCK or len(text) > BLOCK:
                    raise TarError("archive/tar: invalid tar header")
                self._left -= BLOCK
                text += self._extension_block()

        return lines().__next__

    def data(self) -> Iterator[bytes]:
        """Chunks stored for the current entry. Raises TarError when the archive ends early."""
        while self._left:
            have = len(self._buffer) - self._at
            if not have:
                self._fill()
                continue
            size = min(have, self._left)
            chunk = self._buffer[self._at : self._at + size]
            self._at += size
            self._left -= size
            yield chunk

    def rest(self) -> Iterator[bytes]:
        """Every byte behind the end marker (padding to a record, usually zeros)."""
        if self._at < len(self._buffer):
            yield self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        yield from self._chunks

    def _finish(self) -> None:
        """The end is two zero blocks; one alone is tolerated, as everybody does."""
        second = self._take(BLOCK, end_ok=True)
        if second is not None and second != _ZERO:
            raise TarError("archive/tar: invalid tar header")

    def _skip_padding(self) -> None:
        if self._pad:
            pad, self._pad = self._pad, 0
            self._take(pad, end_ok=True)

    def _extension(self, entry: Entry) -> bytes:
        self._charge(entry.size)
        if entry.size > MAX_EXTENSION:
            raise TarError(f"extended header of {entry.size} bytes is too long")
        body = self._take(entry.size)
        assert body is not None
        pad = -entry.size % BLOCK
        if pad:
            self._take(pad)
        return body

    def _extension_block(self) -> bytes:
        self._charge(BLOCK)
        block = self._take(BLOCK)
        assert block is not None
        return block

    def _charge(self, size: int) -> None:
        """Headers are held in memory: no archive may have them without end."""
        self._extensions += size + BLOCK
        if self._extensions > _MAX_EXTENSIONS:
            raise TarError("extended headers are too long")

    def _take(self, size: int, *, end_ok: bool = False) -> bytes | None:
        """Exactly `size` bytes, noted in `raw`."""
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
        else:
            joined = self._gather(size)
            if len(joined) < size:
                if not end_ok or (joined and size == BLOCK):
                    raise TarError("unexpected EOF")
                if self._keep:
                    self.raw += joined
                return None
            data = joined[:size]
            self._buffer, self._at = joined, size
        if self._keep:
            self.raw += data
        return data

    def _gather(self, size: int) -> bytes:
        """What is left of the buffer and as much more as makes `size`, or all there is."""
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        self._buffer, self._at = b"", 0
        while have < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        return b"".join(parts)

    def _fill(self) -> None:
        self._buffer = next(self._chunks, b"")
        self._at = 0
        if not self._buffer:
            raise TarError("unexpected EOF")


def _invalid() -> TarError:
    return TarError("archive/tar: invalid tar header")


def _number(field: bytes) -> int:
    """Octal text or base-256 (GNU). Raises TarError."""
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if first & 0x40:  # negative
            value -= 1 << (8 * len(field) - 1)
        if not -(1 << 62) < value < (1 << 62):
            raise _invalid()
        return value
    text = field[:-1]
    if field[-1] or not text.isdigit():  # not as nearly everyone writes it
        text = field.strip(b" \0").split(b"\0", 1)[0].rstrip(b" ")
    if not text:
        return 0
    if not text.isdigit():
        raise _invalid()
    try:
        return int(text, 8)
    except ValueError:
        raise _invalid() from None


def _parse(block: bytes) -> Entry:
    wanted = _number(block[148:156])
    unsigned = sum(block) - sum(block[148:156]) + 256
    if unsigned != wanted:
        signed = sum(b - 256 if b > 127 else b for b in block[:148] + block[156:]) + 256
        if signed != wanted:
            raise _invalid()
    e = Entry()
    name = block[:100].split(b"\0", 1)[0]
    magic = block[257:265]
    e.major = e.minor = 0
    if magic in _MAGICS:
        if block[156:157] in (CHAR, BLOCKDEV):
            e.major, e.minor = _number(block[329:337]), _number(block[337:345])
        if magic[5:6] == b"\0":
            star = block[508:512] == b"tar\0"  # star keeps times in the last bytes of the prefix
            prefix = block[345 : 476 if star else 500].split(b"\0", 1)[0]
            if prefix:
                name = prefix + b"/" + name
    e.name = name
    e.mode = _number(block[100:108])
    e.uid = _number(block[108:116])
    e.gid = _number(block[116:124])
    e.size = _number(block[124:136])
    if e.size < 0:
        raise _invalid()
    e.mtime_ns = _number(block[136:148]) * 1_000_000_000
    kind = block[156:157]
    e.link = block[157:257].split(b"\0", 1)[0]
    e.type = FILE if kind in (b"\0", b"7") else kind
    e.xattrs = e.holes = None
    e.plain = True
    return e


def _pax_records(body: bytes) -> Records:
    out: Records = []
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        digits = body[at:space]
        if space < 0 or not digits.isdigit():
            if not body[at:].strip(b"\0"):
                break
            raise _invalid()
        end = at + int(digits)
        if end > len(body) or end <= space + 1 or body[end - 1 : end] != b"\n":
            raise _invalid()
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if not equals or not key:
            raise _invalid()
        out.append((key, value))
        at = end
    return out


def _decimal(value: bytes, *, negative: bool = False) -> int:
    text = value[1:] if negative and value.startswith(b"-") else value
    if not text.isdigit() or len(text.lstrip(b"0")) > 18:
        raise _invalid()
    return int(value)


def _apply(entry: Entry, pax: Records) -> None:
    """PAX records over the ustar fields; an empty value means "as in the header"."""
    xattrs: dict[bytes, bytes] = {}
    for key, value in pax:
        if key.startswith(_XATTR):
            xattrs[key[len(_XATTR) :]] = value
        elif not value:
            continue
        elif key == b"path":
            _no_nul(value)
            entry.name = value
        elif key == b"linkpath":
            _no_nul(value)
            entry.link = value
        elif key == b"size":
            entry.size = _decimal(value)
        elif key == b"uid":
            entry.uid = _decimal(value)
        elif key == b"gid":
            entry.gid = _decimal(value)
        elif key == b"mtime":
            entry.mtime_ns = _time(value)
        elif key == b"GNU.sparse.name":
            _no_nul(value)
    entry.xattrs = xattrs or None


def _no_nul(value: bytes) -> None:
    if b"\0" in value:
        raise _invalid()


def _time(value: bytes) -> int:
    whole, _, fraction = value.partition(b".")
    seconds = _decimal(whole or b"0", negative=True)
    if not fraction:
        return seconds * 1_000_000_000
    if not fraction.isdigit():
        raise _invalid()
    nanos = int(fraction[:9].ljust(9, b"0"))
    return seconds * 1_000_000_000 + (-nanos if value.startswith(b"-") else nanos)


def parts(name: bytes) -> list[bytes]:
    """Components of a member's name. Raises InvalidArgument when it leaves the archive."""
    out: list[bytes] = []
    for part in name.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not out:
                text = name.decode("utf-8", "replace")
                raise InvalidArgument(f'"{text}" is outside of the archive')
            out.pop()
        else:
            out.append(part)
    return out
