"""Sparse members: where the stored bytes of a file with holes belong.

Four forms: the old GNU header (type S), and PAX 0.0 (repeated records), 0.1 (one record) and 1.0
(a map before the data). A map is a list of (offset, length), sorted, without overlap, inside the
file: anything else is damage.

Source: GNU tar manual, "Storing Sparse Files"; star(5) of libarchive.
"""

from __future__ import annotations

from collections.abc import Callable

from orlop.errors import InvalidArgument

Map = list[tuple[int, int]]
MAX_ENTRIES = 100_000  # Go stops where a 1 MiB header ends
_HEADER_SLOTS = 4
_EXTENSION_SLOTS = 21
_SLOT = 24
_MAX = 1 << 62


class SparseError(InvalidArgument):
    """The map does not describe a file."""


def _fail() -> SparseError:
    return SparseError("archive/tar: invalid tar header")


def checked(found: Map, size: int, stored: int) -> Map:
    """The map, once it fits a file of `size` bytes of which `stored` are in the archive."""
    end = total = 0
    for offset, length in found:
        if offset < end or length < 0 or offset + length > size:
            raise _fail()
        end = offset + length
        total += length
    if total != stored:
        raise _fail()
    return found


def old_gnu(
    block: bytes, number: Callable[[bytes], int], take: Callable[[], bytes]
) -> tuple[Map, int]:
    """(map, real size) of a type S header; `take` reads one extension block more."""
    found: Map = []
    more = _slots(block, 386, _HEADER_SLOTS, number, found) and block[482]
    while more:
        extension = take()
        more = _slots(extension, 0, _EXTENSION_SLOTS, number, found) and extension[504]
    return found, number(block[483:495])


def _slots(block: bytes, at: int, count: int, number: Callable[[bytes], int], out: Map) -> bool:
    """Reads one table; False when it ended before its last slot."""
    for start in range(at, at + count * _SLOT, _SLOT):
        slot = block[start : start + _SLOT]
        if slot[0] == 0:
            return False
        out.append((number(slot[:12]), number(slot[12:])))
        if len(out) > MAX_ENTRIES:
            raise _fail()
    return True


def pax_0(records: list[tuple[bytes, bytes]]) -> Map | None:
    """The map in the records of forms 0.0 and 0.1; None when there is none."""
    text: list[bytes] = []
    named = False
    for key, value in records:
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            if (key == b"GNU.sparse.offset") != (len(text) % 2 == 0):
                raise _fail()
            text.append(value)
            named = True
        elif key == b"GNU.sparse.map":
            text = value.split(b",") if value else []
            named = True
    return _pairs(text) if named else None


def pax_1(line: Callable[[], bytes]) -> Map:
    """The map in front of the data of form 1.0; `line` reads up to the next newline."""
    count = _decimal(line())
    if count > MAX_ENTRIES:
        raise _fail()
    return [(_decimal(line()), _decimal(line())) for _ in range(count)]


def _pairs(text: list[bytes]) -> Map:
    if len(text) % 2 or len(text) > 2 * MAX_ENTRIES:
        raise _fail()
    return [(_decimal(a), _decimal(b)) for a, b in zip(text[::2], text[1::2])]


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise _fail()
    value = int(text)
    if value >= _MAX:
        raise _fail()
    return value
