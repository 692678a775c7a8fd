"""Go's JSON escapes for bytes that are not UTF-8: each invalid byte becomes \\ufffd.

What looks at every byte is C all the way, so that random bytes cost 11 ns each: `_mark` finds the
invalid ones with operations on one large integer (a byte of it per byte of the text), a table then
makes code points of bytes, and the codec "raw_unicode_escape" writes those beyond 0xff as \\uXXXX.
The controls go the same way, as U+BB00 + their number: of "\\ubb1f" a last table makes "\\u001f",
for which the text's own "b" stands aside as a control, free by then.
"""

from __future__ import annotations

import codecs

_BLOCK = 16384  # bytes at a time: the integers stay in the processor's cache
_ONES = int.from_bytes(b"\1" * _BLOCK, "little")

# One bit for each kind of leading byte, and for each kind the second bytes that may follow:
# (bit, first and last leading byte, first and last second byte), Unicode 15, table 3-7.
_TWO = 0x01  # bytes long
_KINDS = (
    (_TWO, 0xC2, 0xDF, 0x80, 0xBF),
    (0x02, 0xE0, 0xE0, 0xA0, 0xBF),  # three bytes
    (0x04, 0xE1, 0xEC, 0x80, 0xBF),
    (0x04, 0xEE, 0xEF, 0x80, 0xBF),
    (0x08, 0xED, 0xED, 0x80, 0x9F),
    (0x10, 0xF0, 0xF0, 0x90, 0xBF),  # four bytes
    (0x20, 0xF1, 0xF3, 0x80, 0xBF),
    (0x40, 0xF4, 0xF4, 0x80, 0x8F),
)


def _table(column: int) -> bytes:
    table = bytearray(256)
    for kind in _KINDS:
        for byte in range(kind[column], kind[column + 1] + 1):
            table[byte] |= kind[0]
    return bytes(table)


_LEADING = _table(1)
_SECOND = _table(3)  # _TWO is set for every continuation byte

_INVALID = 0xFF  # in no UTF-8 text
_APART = {  # stand-in, what it becomes: no \uXXXX, or one whose own digit is a "b"
    ord('"'): (1, b'\\"'),
    ord("\\"): (2, b"\\\\"),
    ord("\r"): (3, b"\\r"),
    0x0B: (4, b"\\u000\6"),
    0x1B: (5, b"\\u001\6"),
    ord("b"): (6, b""),
}


def _code_points() -> str:
    points = list(range(256))
    for byte in (*range(0x20), *b"<>&"):
        points[byte] = 0xBB00 + byte
    for byte, (stand_in, _) in _APART.items():
        points[byte] = stand_in
    points[ord("\n")] = ord("\n")
    points[_INVALID] = 0xFFFD
    return "".join(map(chr, points))


_CODE_POINTS = _code_points()
_TEXTS = [(bytes((stand_in,)), text) for stand_in, text in _APART.values() if text]
_LAST = bytes.maketrans(b"b\6", b"0b")


def escape_invalid(data: bytes) -> bytes:
    """The inside of a JSON string but for U+2028 and U+2029; newlines stay as they are."""
    if len(data) <= _BLOCK:
        return _escape(data)
    out = []
    at = 0
    while at < len(data):
        end = min(at + _BLOCK, len(data))
        end = _between(data, end)
        out.append(_escape(data[at:end]))
        at = end
    return b"".join(out)


def _between(data: bytes, end: int) -> int:
    """The last place up to `end` that is not within a character."""
    for place in range(end, end - 4, -1):
        if place == len(data) or not 0x80 <= data[place] <= 0xBF:
            return place
    return end  # four continuations: no character is so long that the last belongs to it


def _escape(data: bytes) -> bytes:
    marked = _mark(data)
    points, _ = codecs.charmap_decode(marked, "strict", _CODE_POINTS)  # type: ignore[arg-type]
    text = points.encode("raw_unicode_escape")
    for stand_in, escaped in _TEXTS:
        text = text.replace(stand_in, escaped)
    return text.translate(_LAST)


def _mark(data: bytes) -> bytes:
    """`data` with _INVALID for each byte that Go's decoder gives up on.

    Bit 8n + k of an integer is bit k of byte n. Characters cannot overlap: a leading byte is no
    continuation, so each leading byte is judged alone.
    """
    text = int.from_bytes(data, "little")
    second = int.from_bytes(data.translate(_SECOND), "little")
    begun = int.from_bytes(data.translate(_LEADING), "little") & second >> 8
    folded = begun | begun >> 1 | begun >> 2  # bit 1: one of three bytes, bit 4: of four
    third = second >> 16
    of_three = folded >> 1 & third
    of_four = folded >> 4 & third & second >> 24 & _ONES
    beyond_two = (of_three | of_four) & _ONES
    leads = begun & _ONES | beyond_two
    valid = leads | leads << 8 | beyond_two << 16 | of_four << 24
    invalid = text >> 7 & _ONES ^ valid
    return (text | invalid * _INVALID).to_bytes(len(data), "little")
