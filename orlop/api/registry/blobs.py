"""`/v2/<name>/blobs/<digest>`."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from orlop.api.answer import Answer, Stream
from orlop.api.registry.problem import Problem
from orlop.api.registry.request import Request
from orlop.errors import NotFound
from orlop.image.packed import open_packed
from orlop.image.publish import blob_size
from orlop.oci.digest import Digest, ImageID

_PIECE = 256 << 10
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def head(request: Request) -> Stream:
    size = blob_size(request.published.images, request.digest)
    if size is None:
        raise Problem("BLOB_UNKNOWN")
    return described(request.digest, size)


def described(digest: Digest, size: int) -> Stream:
    headers = (*_headers(digest), ("Content-Length", str(size)))
    return Stream(iter(()), "application/octet-stream", headers=headers)


def get(request: Request) -> Stream:
    return sent(_open(request), request.digest, request.header("range"))


def sent(file: BinaryIO, digest: Digest, span: str) -> Stream:
    """Takes the file; `span` is a Range header. Raises Problem."""
    try:
        size = _length(file)
        start, end, status = _wanted(span, size)
    except BaseException:
        file.close()
        raise
    headers = (*_headers(digest), ("Content-Length", str(end - start)))
    if status == 206:
        headers = (*headers, ("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    pieces = _pieces(file, start, end)
    return Stream(pieces, "application/octet-stream", status, headers)


def delete(request: Request) -> Answer:
    """What a manifest names stays as long as the manifest."""
    blobs = request.published.images.blobs
    if request.digest in request.published.pinned():
        raise Problem("UNSUPPORTED", "a manifest names this blob")
    if blobs.size(request.digest) is None:
        if blob_size(request.published.images, request.digest) is not None:
            raise Problem("UNSUPPORTED", "this blob is part of an image of this host")
        raise Problem("BLOB_UNKNOWN")
    blobs.remove(request.digest)
    return Answer(202, b"", "")


def _headers(digest: Digest) -> tuple[tuple[str, str], ...]:
    return ("Docker-Content-Digest", digest), ("Accept-Ranges", "bytes"), ("Etag", f'"{digest}"')


def _open(request: Request) -> BinaryIO:
    images = request.published.images
    image = images.find(ImageID(request.digest))
    if image is not None:
        return io.BytesIO(image.raw)
    try:
        return open_packed(images, request.digest)
    except NotFound as error:
        raise Problem("BLOB_UNKNOWN", error.message) from None


def _length(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _wanted(header: str, size: int) -> tuple[int, int, int]:
    """(start, end, status) of a Range header; a form that is not understood means the whole."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[0] == "bytes=-":
        return 0, size, 200
    if not found[1]:  # the last so many bytes
        start, end = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        end = min(size, int(found[2]) + 1) if found[2] else size
    if start >= size or start >= end:
        headers = (("Content-Range", f"bytes */{size}"),)
        raise Problem("RANGE_INVALID", headers=headers)
    return start, end, 206


def _pieces(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = end - start
        while left and (data := file.read(min(_PIECE, left))):
            left -= len(data)
            yield data
        if left:
            raise OSError(f"a blob became shorter while it was sent: {left} bytes are missing")
