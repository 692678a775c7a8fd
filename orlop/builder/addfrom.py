"""ADD of what lies elsewhere: a URL or a git repository, as a context of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import unquote, urlsplit

from orlop.builder import instructions as ins
from orlop.builder.context import Context
from orlop.builder.git import load_git
from orlop.builder.remote import is_git
from orlop.builder.session import Session
from orlop.errors import InvalidArgument
from orlop.image.images import Images
from orlop.oci.digest import parse_digest
from orlop.registry.open_url import open_url

_CHUNK = 1 << 20


def fetch(session: Session, node: ins.Add, text: str, target: str) -> Context:
    """A context with the one file, or with what the repository holds. To be closed."""
    context = Context(session.spool)
    try:
        if is_git(text):
            load_git(context, text, session.spool, keep=node.keep_git_dir, checksum=node.checksum)
        else:
            _download(session.builder.images, context, text, target, node.checksum)
    except BaseException:
        context.close()
        raise
    return context


def _download(images: Images, context: Context, url: str, target: str, checksum: str) -> None:
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    if name in ("", ".", "..") or "/" in name:
        if target.endswith("/"):
            raise InvalidArgument(f"cannot determine filename for source {url}")
        name = "file"
    digest = hashlib.sha256()
    with closing(open_url(images.registries, url)) as remote:

        def chunks() -> Iterator[bytes]:
            while data := remote.read(_CHUNK):
                digest.update(data)
                yield data

        context.add_stream(name, chunks(), 0o600)
    found = f"sha256:{digest.hexdigest()}"
    if checksum and parse_digest(checksum) != found:
        raise InvalidArgument(f"digest mismatch {found}: {checksum}")
