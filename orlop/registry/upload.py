"""Blobs up: looked for, mounted from a sibling repository, or sent.

Source: OCI distribution-spec "Pushing blobs" (monolithic and streamed, cross-repository mount).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from urllib.parse import urlencode, urlsplit

from orlop.oci.digest import Digest, parse_digest
from orlop.oci.reference import Reference
from orlop.registry.blobs import CHUNK, Cancelled
from orlop.registry.client import push_scope
from orlop.registry.failure import RegistryFailure
from orlop.registry.joined import joined
from orlop.registry.session import Session

_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})", re.ASCII)


def blob_size(session: Session, reference: Reference, digest: Digest) -> int | None:
    """The size of a blob the repository has; None when it has not, or does not say how much of it:
    a manifest with a size that is made up cannot be pulled. Raises RegistryFailure."""
    path = f"/v2/{reference.path}/blobs/{digest}"
    with session.request("HEAD", path, scopes=push_scope(reference), ok=(200, 404)) as answer:
        if answer.status == 404:
            return None
        length = answer.headers.get("Content-Length", "")
    known = length.isascii() and length.isdigit() and len(length) < 19
    return int(length) or None if known else None  # of no bytes is no layer and no config


def mount_blob(session: Session, reference: Reference, digest: Digest, source: Reference) -> str:
    """Ask for a blob of `source`. "" when mounted, else the upload location that was opened."""
    query = urlencode({"from": source.path, "mount": digest})
    scopes = (*push_scope(reference), f"repository:{source.path}:pull")
    path = f"/v2/{reference.path}/blobs/uploads/?{query}"
    with session.request("POST", path, scopes=scopes, body=b"", ok=(201, 202)) as answer:
        if answer.status == 201:
            return ""
        return _location(session, path, answer.headers.get("Location"))


def open_upload(session: Session, reference: Reference) -> str:
    path = f"/v2/{reference.path}/blobs/uploads/"
    with session.request("POST", path, scopes=push_scope(reference), body=b"", ok=(202,)) as answer:
        return _location(session, path, answer.headers.get("Location"))


def send_bytes(session: Session, reference: Reference, digest: Digest, data: bytes) -> None:
    """A small blob in one PUT."""
    location = open_upload(session, reference)
    _put(session, reference, _with_digest(location, digest), data, len(data))


def send_file(
    session: Session,
    reference: Reference,
    digest: Digest,
    fd: int,
    *,
    location: str = "",
    start: int = 0,
    cancel: Event,
    on_bytes: Callable[[int], None],
) -> None:
    """The whole file in one PUT, or what is missing of it from `start` on as a last chunk.

    Raises RegistryFailure, Cancelled.
    """
    size = os.fstat(fd).st_size
    location = location or open_upload(session, reference)
    body = _pieces(fd, start, size, cancel, on_bytes)
    if not start:
        _put(session, reference, _with_digest(location, digest), body, size)
        return
    if start < size:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size - start),
            "Content-Range": f"{start}-{size - 1}",
        }
        with session.request(
            "PATCH", location, scopes=push_scope(reference), headers=headers, body=body, ok=(202,)
        ) as answer:
            location = _location(session, location, answer.headers.get("Location"))
    _put(session, reference, _with_digest(location, digest), b"", 0)


def resumed(session: Session, reference: Reference, location: str) -> tuple[str, int] | None:
    """(where to go on, bytes that are there) of an upload that broke off; None: begin anew."""
    try:
        with session.request("GET", location, scopes=push_scope(reference), ok=(204,)) as answer:
            found = _RANGE.fullmatch(answer.headers.get("Range", ""))
            if found is None or found[1] == "0":  # "0-0" is nothing or one byte
                return None
            return _location(session, location, answer.headers.get("Location")), int(found[1]) + 1
    except RegistryFailure as failure:
        if failure.temporary:
            raise
        return None


def send_stream(
    session: Session,
    reference: Reference,
    pieces: Iterable[bytes],
    digest: Callable[[], Digest],
    *,
    location: str = "",
) -> None:
    """Pieces of unknown length and digest: PATCH while they are made, then PUT with the digest."""
    location = location or open_upload(session, reference)
    scopes = push_scope(reference)
    headers = {"Content-Type": "application/octet-stream"}
    with session.request(
        "PATCH", location, scopes=scopes, headers=headers, body=pieces, ok=(202,)
    ) as answer:
        location = _location(session, location, answer.headers.get("Location"))
    _put(session, reference, _with_digest(location, digest()), b"", 0)


def _put(
    session: Session, reference: Reference, url: str, body: bytes | Iterator[bytes], size: int
) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    with session.request(
        "PUT", url, scopes=push_scope(reference), headers=headers, body=body, ok=(200, 201, 204)
    ):
        pass


def _pieces(
    fd: int, start: int, size: int, cancel: Event, on_bytes: Callable[[int], None]
) -> Iterator[bytes]:
    done = start
    while done < size:
        if cancel.is_set():
            raise Cancelled
        data = os.pread(fd, min(CHUNK, size - done), done)
        if not data:
            raise RegistryFailure("the file being sent became shorter")
        yield data
        done += len(data)
        on_bytes(done)


def _location(session: Session, path: str, location: str | None) -> str:
    """The absolute upload URL. Never from TLS to plain http."""
    if not location:
        raise RegistryFailure("the registry gave no upload location")
    url = joined(session.endpoint.base + path if path.startswith("/") else path, location)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise RegistryFailure(f"invalid upload location {location[:200]!r}")
    if parts.scheme == "http" and not session.endpoint.insecure:
        raise RegistryFailure(f"refusing upload to plain http: {url[:200]!r}")
    return url.partition("#")[0]


def _with_digest(location: str, digest: Digest) -> str:
    joint = "&" if "?" in location else "?"
    return f"{location}{joint}{urlencode({'digest': parse_digest(digest)})}"
