"""Read tar archives: ustar, PAX, GNU long names, base-256 numbers.

Own code because it is five times faster than `tarfile`, keeps the raw header bytes that tar-split
needs, and trusts nothing: sizes are bounded, fields are parsed strictly, nothing is written here.

Source: POSIX.1-2001 pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Iterator

from orlop.errors import InvalidArgument

BLOCK = 512
MAX_EXTENSION = 1 << 20  # bytes of one PAX or long-name record
_CHUNK = 1 << 17
_ZERO = bytes(BLOCK)

FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_NO_DATA = frozenset((LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO))
_XATTR = b"SCHILY.xattr."
_KNOWN = (FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIRECTORY, FIFO)


class TarError(InvalidArgument):
    """The archive is damaged or not an archive."""


class Entry:
    """One member. Names are bytes; `mtime_ns` counts from the epoch."""

    __slots__ = (
        "gid",
        "link",
        "major",
        "minor",
        "mode",
        "mtime_ns",
        "name",
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


class TarReader:
    """Sequential reader over chunks of bytes.

    `next()` gives the next entry (skipping what is left of the last one's data), `data()` the
    chunks of its content. `raw` collects every byte that is not file content, in order: tar-split
    takes and clears it before each entry's data.
    """

    def __init__(self, chunks: Iterator[bytes], *, keep_raw: bool = False) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0
        self._left = 0  # content bytes of the current entry not yet read
        self._pad = 0
        self._global: dict[bytes, bytes] = {}
        self._keep = keep_raw
        self.raw = bytearray()

    def next(self) -> Entry | None:
        """None at the end of the archive; what follows the end marker stays unread."""
        for _ in self.data():
            pass
        self._skip_padding()
        pax: dict[bytes, bytes] = {}
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
            if kind in (b"x", b"X", b"g"):
                records = _pax_records(self._extension(entry))
                if kind == b"g":
                    self._global.update(records)
                else:
                    pax.update(records)
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
        if pax or self._global:
            _apply(entry, {**self._global, **pax})
        if kind == FILE and entry.name.endswith(b"/"):
            entry.type = kind = DIRECTORY  # from before ustar; the name may be a long one
        if kind in _NO_DATA:
            entry.size = 0
        elif kind not in _KNOWN:
            raise TarError(f"unsupported entry type {kind!r} of {entry.name[:100]!r}")
        self._left = entry.size
        self._pad = -entry.size % BLOCK
        return entry

    def data(self) -> Iterator[bytes]:
        """Chunks of the current entry's content. Raises TarError when the archive ends early."""
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
            raise TarError("invalid tar header")

    def _skip_padding(self) -> None:
        if self._pad:
            pad, self._pad = self._pad, 0
            self._take(pad, end_ok=True)

    def _extension(self, entry: Entry) -> bytes:
        if entry.size > MAX_EXTENSION:
            raise TarError(f"extended header of {entry.size} bytes is too long")
        body = self._take(entry.size)
        assert body is not None
        pad = -entry.size % BLOCK
        if pad:
            self._take(pad)
        return body

    def _take(self, size: int, *, end_ok: bool = False) -> bytes | None:
        """Exactly `size` bytes, noted in `raw`."""
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
        else:
            parts = [self._buffer[self._at :]]
            have = len(parts[0])
            self._buffer, self._at = b"", 0
            while have < size:
                chunk = next(self._chunks, b"")
                if not chunk:
                    if have and not end_ok:
                        raise TarError("unexpected EOF")
                    if have and end_ok and self._keep:
                        self.raw += b"".join(parts)
                    if have and size == BLOCK:
                        raise TarError("unexpected EOF")
                    if not end_ok:
                        raise TarError("unexpected EOF")
                    return None
                parts.append(chunk)
                have += len(chunk)
            joined = b"".join(parts)
            data = joined[:size]
            self._buffer, self._at = joined, size
        if self._keep:
            self.raw += data
        return data

    def _fill(self) -> None:
        self._buffer = next(self._chunks, b"")
        self._at = 0
        if not self._buffer:
            raise TarError("unexpected EOF")


def _number(field: bytes) -> int:
    """Octal text or base-256 (GNU). Raises TarError."""
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if first & 0x40:  # negative
            value -= 1 << (8 * len(field) - 1)
        if not -(1 << 62) < value < (1 << 62):
            raise TarError("invalid tar header")
        return value
    text = field.strip(b" \0").split(b"\0", 1)[0].rstrip(b" ")
    if not text:
        return 0
    if not text.isdigit():
        raise TarError("invalid tar header")
    try:
        return int(text, 8)
    except ValueError:
        raise TarError("invalid tar header") from None


def _parse(block: bytes) -> Entry:
    wanted = _number(block[148:156])
    unsigned = sum(block) - sum(block[148:156]) + 256
    if unsigned != wanted:
        signed = sum(b - 256 if b > 127 else b for b in block[:148] + block[156:]) + 256
        if signed != wanted:
            raise TarError("invalid tar header")
    e = Entry()
    name = block[:100].split(b"\0", 1)[0]
    magic = block[257:265]
    e.major = e.minor = 0
    if magic in (b"ustar\x0000", b"ustar  \0", b"ustar\0\0\0"):
        if block[156:157] in (CHAR, BLOCKDEV):
            e.major, e.minor = _number(block[329:337]), _number(block[337:345])
        if magic[5:6] == b"\0":
            prefix = block[345:500].split(b"\0", 1)[0]
            if prefix:
                name = prefix + b"/" + name
    e.name = name
    e.mode = _number(block[100:108])
    e.uid = _number(block[108:116])
    e.gid = _number(block[116:124])
    e.size = _number(block[124:136])
    if e.size < 0:
        raise TarError("invalid tar header")
    e.mtime_ns = _number(block[136:148]) * 1_000_000_000
    kind = block[156:157]
    e.link = block[157:257].split(b"\0", 1)[0]
    e.type = FILE if kind in (b"\0", b"7") else kind
    e.xattrs = None
    return e


def _pax_records(body: bytes) -> dict[bytes, bytes]:
    out: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        digits = body[at:space]
        if space < 0 or not digits.isdigit():
            if not body[at:].strip(b"\0"):
                break
            raise TarError("invalid tar header")
        end = at + int(digits)
        if end > len(body) or end <= space + 1 or body[end - 1 : end] != b"\n":
            raise TarError("invalid tar header")
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if not equals or not key:
            raise TarError("invalid tar header")
        out[key] = value
        at = end
    return out


def _decimal(value: bytes, *, negative: bool = False) -> int:
    text = value[1:] if negative and value.startswith(b"-") else value
    if not text.isdigit() or len(text) > 19:
        raise TarError("invalid tar header")
    return int(value)


def _apply(entry: Entry, pax: dict[bytes, bytes]) -> None:
    """PAX records over the ustar fields; an empty value means "as in the header"."""
    xattrs: dict[bytes, bytes] = {}
    for key, value in pax.items():
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
        elif key.startswith(b"GNU.sparse."):
            raise TarError(f"sparse entries are not supported: {entry.name[:100]!r}")
    entry.xattrs = xattrs or None


def _no_nul(value: bytes) -> None:
    if b"\0" in value:
        raise TarError("invalid tar header")


def _time(value: bytes) -> int:
    whole, _, fraction = value.partition(b".")
    seconds = _decimal(whole or b"0", negative=True)
    if not fraction:
        return seconds * 1_000_000_000
    if not fraction.isdigit():
        raise TarError("invalid tar header")
    nanos = int(fraction[:9].ljust(9, b"0"))
    return seconds * 1_000_000_000 + (-nanos if value.startswith(b"-") else nanos)
