"""One layer on its way to a registry."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from isal import isal_zlib

from orlop.image import progress
from orlop.image.distribution import Source, sign
from orlop.image.images import Images
from orlop.image.progress import Pace
from orlop.image.stream import Emit
from orlop.oci.digest import ChainID, DiffID, Digest
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import Cancelled
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session
from orlop.registry.upload import blob_size, mount_blob, send_stream

_LEVEL = 2  # 3.5 times faster than zlib 3 at nearly its ratio
_MAX_LOOKS = 3
_MAX_MOUNTS = 4


class LayerPush:
    """Finds out how a layer gets there, and gets it there."""

    def __init__(
        self,
        images: Images,
        session: Session,
        target: Reference,
        chain: ChainID,
        diff: DiffID,
        auth: Mapping[str, Any] | None,
        emit: Emit,
        abort: threading.Event,
    ) -> None:
        self.images = images
        self.session = session
        self.target = target
        self.chain = chain
        self.diff = diff
        self.auth = auth
        self.emit = emit
        self.abort = abort
        self.size = 0

    @property
    def short(self) -> str:
        return self.diff[7:19]

    def run(self) -> tuple[Digest, int]:
        """(blob digest, blob size). Raises RegistryFailure, Cancelled, OSError."""
        tries = 0
        while True:
            if self.abort.is_set():
                raise Cancelled
            try:
                return self._run()
            except RegistryFailure as failure:
                tries += 1
                if not failure.temporary or tries >= self.images.config.max_download_attempts:
                    raise
                pause = failure.retry_after
                pause = min(0.5 * 2**tries, 15.0) if pause is None else min(pause, 120.0)
            whole = max(1, math.ceil(pause))
            text = f"Retrying in {whole} second{'' if whole == 1 else 's'}"
            self.emit(progress.status(text, self.short))
            if self.abort.wait(pause):
                raise Cancelled

    def _run(self) -> tuple[Digest, int]:
        known = [s for s in self.images.distribution.sources(self.diff) if self._same_host(s)]
        known.sort(key=lambda s: s.hmac == sign(self.auth, s.digest, s.repository))
        known.reverse()  # pushed by this user first, then the newest
        found = self._there(known)
        if found is not None:
            self.emit(progress.status("Layer already exists", self.short))
            return found
        location, mounted = self._mount(known)
        if mounted is not None:
            return mounted
        return self._upload(location)

    def _same_host(self, source: Source) -> bool:
        return source.repository.partition("/")[0] == self.target.domain

    def _there(self, known: list[Source]) -> tuple[Digest, int] | None:
        mine = [s for s in known if s.repository == self.target.name]
        others = [s for s in known if s.repository != self.target.name]
        looked: set[str] = set()
        for source in [*mine, *others]:
            if source.digest in looked or len(looked) >= _MAX_LOOKS:
                continue
            looked.add(source.digest)
            size = blob_size(self.session, self.target, source.digest)
            if size is not None:
                return self._note(source.digest, size)
        for source in mine:
            self.images.distribution.forget(self.diff, source)
        return None

    def _mount(self, known: list[Source]) -> tuple[str, tuple[Digest, int] | None]:
        """(an upload that was opened instead or "", the result if a mount worked)."""
        location = ""
        tried: set[tuple[str, str]] = set()
        for source in known:
            key = (source.digest, source.repository)
            if source.repository == self.target.name or key in tried or len(tried) >= _MAX_MOUNTS:
                continue
            tried.add(key)
            origin = parse_normalized(source.repository)
            try:
                location = mount_blob(self.session, self.target, source.digest, origin)
            except RegistryFailure as failure:
                if failure.temporary or failure.unreachable:
                    raise
                continue
            if not location:
                self.emit(progress.status(f"Mounted from {origin.path}", self.short))
                size = blob_size(self.session, self.target, source.digest)
                return "", self._note(source.digest, size or 0)
        return location, None

    def _upload(self, location: str) -> tuple[Digest, int]:
        digest = hashlib.sha256()
        pieces = self._compressed(digest)
        self.size = 0
        send_stream(
            self.session,
            self.target,
            pieces,
            lambda: Digest("sha256:" + digest.hexdigest()),
            location=location,
        )
        self.emit(progress.status("Pushed", self.short))
        return self._note(Digest("sha256:" + digest.hexdigest()), self.size)

    def _compressed(self, digest: Any) -> Iterator[bytes]:
        """gzip without name and time: the same layer gives the same blob."""
        coder = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 31)
        total = self.images.layers.get(self.chain).size
        pace, read = Pace(), 0
        for plain in self.images.layers.open_tar(self.chain):
            if self.abort.is_set():
                raise Cancelled
            read += len(plain)
            if pace.due():
                self.emit(progress.moving("Pushing", self.short, read, total))
            data = coder.compress(plain)
            if data:
                yield self._count(data, digest)
        yield self._count(coder.flush(), digest)
        self.emit(progress.moving("Pushing", self.short, read, total))

    def _count(self, data: bytes, digest: Any) -> bytes:
        digest.update(data)
        self.size += len(data)
        return data

    def _note(self, digest: Digest, size: int) -> tuple[Digest, int]:
        name = self.target.name
        source = Source(digest, name, sign(self.auth, digest, name))
        self.images.distribution.add(self.diff, source)
        return digest, size
