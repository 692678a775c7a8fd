"""bbolt files, Docker's small databases (volumes/metadata.db, network/files/local-kv.db). Pure.

Read as a whole into nested dicts, written as a whole compact file: a bucket is a dict of bytes to
bytes or to another bucket. Source: the file format of go.etcd.io/bbolt, version 2, as its pages
show it:

    page     id u64, flags u16, count u16, overflow u32, then its elements
    meta     magic u32, version u32, page size u32, flags u32, root (page u64, sequence u64),
             freelist page u64, pages u64, transaction u64, FNV-1a of all that u64
    leaf     flags u32 (1: a bucket), position u32 from the element, key size u32, value size u32
    branch   position u32, key size u32, page u64
    bucket   root page u64 (0: an inline leaf page follows), sequence u64
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Union

Bucket = dict[bytes, Union[bytes, "Bucket"]]

_PAGE = struct.Struct("<QHHI")
_META = struct.Struct("<IIIIQQQQQ")
_LEAF = struct.Struct("<IIII")
_BRANCH = struct.Struct("<IIQ")
_BUCKET = struct.Struct("<QQ")
_U64 = struct.Struct("<Q")
_MAGIC, _VERSION = 0xED0CDAED, 2
_IS_BRANCH, _IS_LEAF, _IS_META, _IS_FREELIST = 1, 2, 4, 16
_SIZE = 4096  # of a page that we write
_DEEPEST = 32
_MOST = 0xFFFE  # elements of a page


class Damaged(ValueError):
    """What is wrong with the file."""


def read(data: bytes) -> Bucket:
    """The top bucket. Raises Damaged. An empty file is an empty database."""
    if not data:
        return {}
    size, root, pages = _newest_meta(data)
    return _Reader(data, size, pages).bucket(root)


def write(top: Bucket) -> bytes:
    """A compact file of these buckets."""
    writer = _Writer()
    root = writer.tree(top)
    return writer.file(root)


def _newest_meta(data: bytes) -> tuple[int, int, int]:
    """(page size, root page, number of pages) of the newer valid meta page."""
    found: list[tuple[int, int, int, int]] = []
    sizes = [_SIZE] + [1 << n for n in range(10, 17) if 1 << n != _SIZE]
    for at in [0, *sizes]:
        if len(data) < at + _PAGE.size + _META.size + 8:
            continue
        fields = _META.unpack_from(data, at + _PAGE.size)
        magic, version, size, _, root, _, _, pages, transaction = fields
        (checksum,) = _U64.unpack_from(data, at + _PAGE.size + _META.size)
        body = data[at + _PAGE.size : at + _PAGE.size + _META.size]
        if magic == _MAGIC and version == _VERSION and checksum == _fnv(body):
            found.append((transaction, size, root, pages))
    if not found:
        raise Damaged("no valid meta page")
    _, size, root, pages = max(found)
    if size < 1024 or size & (size - 1):
        raise Damaged(f"page size {size}")
    return size, root, pages


def _fnv(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class _Reader:
    def __init__(self, data: bytes, size: int, pages: int) -> None:
        self._data = data
        self._size = size
        self._pages = pages
        self._seen: set[int] = set()  # a page belongs to one bucket: a loop ends

    def bucket(self, root: int, depth: int = 0) -> Bucket:
        out: Bucket = {}
        for key, value, is_bucket in self._walk(root, depth):
            out[key] = self._inner(value, depth + 1) if is_bucket else value
        return out

    def _inner(self, value: bytes, depth: int) -> Bucket:
        if depth > _DEEPEST or len(value) < _BUCKET.size:
            raise Damaged("bucket")
        root, _ = _BUCKET.unpack_from(value)
        if root:
            return self.bucket(root, depth)
        out: Bucket = {}
        for key, inner, is_bucket in _leaf(value[_BUCKET.size :]):
            out[key] = self._inner(inner, depth + 1) if is_bucket else inner
        return out

    def _walk(self, number: int, depth: int) -> Iterator[tuple[bytes, bytes, bool]]:
        page = self._page(number)
        _, flags, count, _ = _PAGE.unpack_from(page)
        if flags == _IS_LEAF:
            yield from _leaf(page)
            return
        if flags != _IS_BRANCH or depth > _DEEPEST:
            raise Damaged(f"page {number} has flags {flags:#x}")
        for index in range(count):
            at = _PAGE.size + index * _BRANCH.size
            if at + _BRANCH.size > len(page):
                raise Damaged(f"page {number} is cut off")
            yield from self._walk(_BRANCH.unpack_from(page, at)[2], depth + 1)

    def _page(self, number: int) -> bytes:
        if number in self._seen or not 2 <= number < self._pages:
            raise Damaged(f"page {number} is not to be read")
        self._seen.add(number)
        begin = number * self._size
        head = self._data[begin : begin + _PAGE.size]
        if len(head) < _PAGE.size or _PAGE.unpack(head)[0] != number:
            raise Damaged(f"page {number} is missing")
        overflow = _PAGE.unpack(head)[3]
        page = self._data[begin : begin + (overflow + 1) * self._size]
        if len(page) != (overflow + 1) * self._size:
            raise Damaged(f"page {number} is cut off")
        return page


def _leaf(page: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    if len(page) < _PAGE.size:
        raise Damaged("leaf page is cut off")
    count = _PAGE.unpack_from(page)[2]
    for index in range(count):
        at = _PAGE.size + index * _LEAF.size
        if at + _LEAF.size > len(page):
            raise Damaged("leaf page is cut off")
        flags, position, key_size, value_size = _LEAF.unpack_from(page, at)
        begin = at + position
        end = begin + key_size + value_size
        if end > len(page):
            raise Damaged("leaf element is cut off")
        yield page[begin : begin + key_size], page[begin + key_size : end], bool(flags & 1)


class _Writer:
    """Pages from number 3 on; 0 and 1 are meta pages, 2 is the empty freelist."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []  # padded runs
        self._next = 3

    def tree(self, bucket: Bucket) -> int:
        """Write the pages of a bucket; the number of its root page."""
        elements = []
        for key in sorted(bucket):
            value = bucket[key]
            if isinstance(value, dict):
                elements.append((key, _BUCKET.pack(self.tree(value), 0), 1))
            else:
                elements.append((key, value, 0))
        level = [
            (chunk[0][0], self._put(_leaf_page(chunk), _IS_LEAF, len(chunk)))
            for chunk in _chunks(elements)
        ] or [(b"", self._put(b"", _IS_LEAF, 0))]
        while len(level) > 1:
            level = [
                (group[0][0], self._put(_branch_page(group), _IS_BRANCH, len(group)))
                for group in _groups(level)
            ]
        return level[0][1]

    def _put(self, body: bytes, flags: int, count: int) -> int:
        number = self._next
        length = _PAGE.size + len(body)
        overflow = (length - 1) // _SIZE
        page = _PAGE.pack(number, flags, count, overflow) + body
        self._pages.append(page.ljust((overflow + 1) * _SIZE, b"\0"))
        self._next += overflow + 1
        return number

    def file(self, root: int) -> bytes:
        metas = []
        for number in (0, 1):
            body = _META.pack(_MAGIC, _VERSION, _SIZE, 0, root, 0, 2, self._next, number + 1)
            page = _PAGE.pack(number, _IS_META, 0, 0) + body + _U64.pack(_fnv(body))
            metas.append(page.ljust(_SIZE, b"\0"))
        freelist = _PAGE.pack(2, _IS_FREELIST, 0, 0).ljust(_SIZE, b"\0")
        return b"".join([*metas, freelist, *self._pages])


_Element = tuple[bytes, bytes, int]


def _chunks(elements: list[_Element]) -> Iterator[list[_Element]]:
    """As many as fit a page; one that is larger has a page with overflow."""
    chunk: list[_Element] = []
    used = _PAGE.size
    for element in elements:
        size = _LEAF.size + len(element[0]) + len(element[1])
        if chunk and (used + size > _SIZE or len(chunk) >= _MOST):
            yield chunk
            chunk, used = [], _PAGE.size
        chunk.append(element)
        used += size
    if chunk:
        yield chunk


def _groups(level: list[tuple[bytes, int]]) -> Iterator[list[tuple[bytes, int]]]:
    group: list[tuple[bytes, int]] = []
    used = _PAGE.size
    for entry in level:
        size = _BRANCH.size + len(entry[0])
        if len(group) > 1 and used + size > _SIZE:
            yield group
            group, used = [], _PAGE.size
        group.append(entry)
        used += size
    yield group


def _leaf_page(elements: list[_Element]) -> bytes:
    heads, bodies = [], []
    position = len(elements) * _LEAF.size
    for key, value, flags in elements:
        heads.append(_LEAF.pack(flags, position, len(key), len(value)))
        position += len(key) + len(value) - _LEAF.size
        bodies.append(key + value)
    return b"".join(heads + bodies)


def _branch_page(entries: list[tuple[bytes, int]]) -> bytes:
    heads, bodies = [], []
    position = len(entries) * _BRANCH.size
    for key, page in entries:
        heads.append(_BRANCH.pack(position, len(key), page))
        position += len(key) - _BRANCH.size
        bodies.append(key)
    return b"".join(heads + bodies)
