"""`docker import`: a root filesystem archive becomes an image of one layer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from orlop.image import changes as changing
from orlop.image import progress
from orlop.image.create import child_document
from orlop.image.images import Images
from orlop.image.model import chains_of
from orlop.image.notify import notify
from orlop.image.progress import Pace
from orlop.image.staging import Stack, stage_file
from orlop.image.stream import Emit, stream
from orlop.image.tag import parse_target, set_name
from orlop.oci import platform as platforms
from orlop.registry.blobs import Cancelled
from orlop.registry.open_url import Remote, open_url


def import_(
    images: Images,
    source: BinaryIO | str,
    repo: str = "",
    tag: str = "",
    *,
    message: str = "",
    changes: Sequence[str] = (),
    platform: str | None = None,
) -> Iterator[dict[str, Any]]:
    """`{"status": "sha256:…"}` comes last. `source`: an open archive or a URL.

    Raises InvalidArgument at once, the rest while iterating.
    """
    wanted = platforms.parse(platform) if platform else None
    target = parse_target(repo, tag)
    config = changing.apply({}, changes)

    def work(emit: Emit, cancel: threading.Event) -> None:
        shown = source if isinstance(source, str) else "-"
        text = message or f"Imported from {shown}"
        blob = _open(images, source, emit, cancel) if isinstance(source, str) else source
        try:
            with Stack(images, None) as stack:
                staged = stage_file(images.layers, blob, None, 0)
                stack.put(0, staged)
                with images.holding(chains_of([staged.diff_id])):
                    stack.commit([staged.diff_id])
                    raw = child_document(
                        None,
                        config,
                        staged.diff_id,
                        comment=text,
                        platform=wanted,
                        top_comment=True,
                        keep_empty=True,
                    )
                    image = images.add(raw)
        finally:
            if blob is not source:
                blob.close()
        if target is not None:
            set_name(images, target, image)
        notify(images, "import", image, image.id, image.id)
        emit(progress.message(image.id))

    return stream(work, "import")


class _Counted:
    """A remote archive that shows how far it has come."""

    def __init__(self, remote: Remote, emit: Emit, cancel: threading.Event) -> None:
        self._remote = remote
        self._emit = emit
        self._cancel = cancel
        self._pace = Pace()
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        if self._cancel.is_set():
            raise Cancelled
        data = self._remote.read(size)
        self._read += len(data)
        if self._pace.due() or not data:
            self._emit(progress.moving("Importing", "", self._read, self._remote.size))
        return data

    def close(self) -> None:
        self._remote.close()


def _open(images: Images, url: str, emit: Emit, cancel: threading.Event) -> Any:
    remote = open_url(images.registries, url)
    emit(progress.message(f"Downloading from {remote.url}"))
    return _Counted(remote, emit, cancel)
