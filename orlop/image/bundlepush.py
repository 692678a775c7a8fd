"""A bundle into a registry: blobs first, then what names them, the names last."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from orlop.image import progress
from orlop.image.bundle import Bundle
from orlop.image.images import Images
from orlop.image.packed import open_packed
from orlop.image.stream import Emit, stream
from orlop.image.tags import on_some_endpoint
from orlop.oci.reference import Reference
from orlop.registry.blobs import Cancelled
from orlop.registry.manifests import put_manifest
from orlop.registry.referrers import put_referrer
from orlop.registry.session import Session
from orlop.registry.upload import blob_size, send_bytes, send_stream

_PIECE = 256 << 10


def bundle_push(
    images: Images,
    found: Bundle,
    names: Sequence[tuple[Reference, Mapping[str, Any] | None]],
) -> Iterator[dict[str, Any]]:
    """Progress as of `push`, with an aux message per name. `names`: each with its credentials."""

    def work(emit: Emit, cancel: threading.Event) -> None:
        for name, auth in names:
            emit(progress.message(f"The push refers to repository [{name.name}]"))

            def send(session: Session, to: Reference = name) -> None:
                _send(images, session, found, to, emit, cancel)

            on_some_endpoint(images, name, auth, send)
            digest, size = found.top["digest"], found.top["size"]
            emit(progress.message(f"{name.tag}: digest: {digest} size: {size}"))
            emit(progress.aux({"Tag": name.tag, "Digest": digest, "Size": size}))

    return stream(work, "push")


def _send(
    images: Images,
    session: Session,
    found: Bundle,
    name: Reference,
    emit: Emit,
    cancel: threading.Event,
) -> None:
    for digest in found.layers:
        short = digest[7:19]
        if blob_size(session, name, digest) is not None:
            emit(progress.status("Layer already exists", short))
            continue
        emit(progress.status("Pushing", short))
        with open_packed(images, digest) as file:
            send_stream(session, name, _pieces(file, cancel), lambda d=digest: d)  # type: ignore[misc]
        emit(progress.status("Pushed", short))
    for digest, data in found.blobs.items():
        if blob_size(session, name, digest) is None:
            send_bytes(session, name, digest, data)
    for digest, (raw, kind, subject) in found.manifests.items():
        if subject is not None:
            put_referrer(session, name, raw, kind, subject)
        else:
            tag = name.tag if digest == found.top["digest"] else digest
            put_manifest(session, name, tag, raw, kind)


def _pieces(file: BinaryIO, cancel: threading.Event) -> Iterator[bytes]:
    while data := file.read(_PIECE):
        if cancel.is_set():
            raise Cancelled
        yield data
