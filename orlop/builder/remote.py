"""What a source over the network is, and contexts that are fetched by URL. Repositories: git.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO, cast

from orlop.builder.context import Context
from orlop.image.images import Images
from orlop.registry.open_url import open_url
from orlop.storage.compression import Reader, detect

_GIT = re.compile(
    r"(?:git://|ssh://|git@|github\.com/|https?://[^#]*\.git(?:[#?]|$))", re.ASCII | re.IGNORECASE
)
_CHUNK = 1 << 20


def is_git(text: str) -> bool:
    return _GIT.match(text) is not None


def is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and not is_git(text)


def load_url(images: Images, context: Context, url: str, name: str = "Dockerfile") -> bool:
    """A remote context: an archive, or a lone file (True), called `name`."""
    with closing(open_url(images.registries, url)) as remote:
        first = remote.read(_CHUNK)

        def chunks() -> Iterator[bytes]:
            data = first
            while data:
                yield data
                data = remote.read(_CHUNK)

        if looks_like_archive(first):
            context.load(cast(BinaryIO, Reader(chunks())))
            return False
        context.add_stream(name, chunks(), 0o644)
        return True


def looks_like_archive(first: bytes) -> bool:
    """Judged by its first bytes: a tar, or something compressed that may hold one."""
    return bool(detect(first[:16])) or first[257:262] == b"ustar"
