"""One layer on its way to a registry."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from orlop.image import progress
from orlop.image.blobs import Incoming
from orlop.image.distribution import Source, sign
from orlop.image.images import Images
from orlop.image.packing import DEFAULT, Form, Packing
from orlop.image.progress import Pace
from orlop.image.stream import Emit
from orlop.oci.digest import ChainID, DiffID, Digest
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import Cancelled
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session
from orlop.registry.upload import (
    blob_size,
    mount_blob,
    open_upload,
    resumed,
    send_file,
    send_stream,
)

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
        form: Form = DEFAULT,
    ) -> None:
        self.images = images
        self.session = session
        self.target = target
        self.chain = chain
        self.diff = diff
        self.auth = auth
        self.emit = emit
        self.abort = abort
        self.form = form
        self._pace = Pace()
        self._broken = ""  # an upload that may be gone on with

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
        if self._broken:
            return self._upload("")
        known = [s for s in self.images.distribution.sources(self.diff) if self._fits(s)]
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

    def _fits(self, source: Source) -> bool:
        """At the same registry, and of the form that is wanted: what is noted of a source does
        not say its form, so only for the usual one any will do."""
        if source.repository.partition("/")[0] != self.target.domain:
            return False
        if self.form.kind == DEFAULT.kind:
            return True
        made = self.images.blobs.of(self.diff, self.form)
        return made is not None and made[0] == source.digest

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
                size = blob_size(self.session, self.target, source.digest)
                if size is None:
                    continue  # it is not there, or nobody knows how large it is
                self.emit(progress.status(f"Mounted from {origin.path}", self.short))
                return "", self._note(source.digest, size)
        return location, None

    def _upload(self, location: str) -> tuple[Digest, int]:
        """A blob that is kept from an earlier time goes as it is; else it is packed on the way."""
        kept = self.images.blobs.of(self.diff, self.form)
        file = self.images.blobs.open(kept[0]) if kept is not None else None
        if kept is None or file is None:
            return self._pack(location)
        with file:
            self._send_kept(file.fileno(), *kept, location)
        self.emit(progress.status("Pushed", self.short))
        return self._note(*kept)

    def _send_kept(self, fd: int, digest: Digest, size: int, location: str) -> None:
        """From where an earlier try of this push broke off, if the registry knows."""
        start = 0
        if self._broken:
            found = resumed(self.session, self.target, self._broken)
            self._broken = ""
            if found is not None and found[1] <= size:
                location, start = found
        location = location or open_upload(self.session, self.target)
        try:
            send_file(
                self.session,
                self.target,
                digest,
                fd,
                location=location,
                start=start,
                cancel=self.abort,
                on_bytes=lambda sent: self._show(sent, size),
            )
        except RegistryFailure as failure:
            if failure.temporary:
                self._broken = location
            raise

    def _pack(self, location: str) -> tuple[Digest, int]:
        blobs = self.images.blobs
        location = location or open_upload(self.session, self.target)
        incoming = blobs.new(hashing=False) if blobs.limit else None
        try:
            tap = incoming.write if incoming is not None else None
            packing = Packing(self._plain(), tap, self.form)
            pieces = iter(packing)
            try:
                send_stream(
                    self.session, self.target, pieces, lambda: packing.digest, location=location
                )
            except RegistryFailure as failure:
                if incoming is not None and failure.temporary:
                    for _ in pieces:
                        pass  # the next try goes on with what is kept then
                    self._keep(incoming, packing)
                    self._broken, incoming = location, None
                raise
        except BaseException:
            if incoming is not None:
                incoming.drop()
            raise
        self._keep(incoming, packing)
        self.emit(progress.status("Pushed", self.short))
        return self._note(packing.digest, packing.size)

    def _keep(self, incoming: Incoming | None, packing: Packing) -> None:
        blobs = self.images.blobs
        if incoming is not None:
            blobs.commit(incoming, digest=packing.digest)
            blobs.trim()
        blobs.note(self.diff, packing.digest, packing.size, self.form)

    def _plain(self) -> Iterator[bytes]:
        total = self.images.layers.get(self.chain).size
        read = 0
        for plain in self.images.layers.open_tar(self.chain):
            if self.abort.is_set():
                raise Cancelled
            read += len(plain)
            self._show(read, total)
            yield plain
        self.emit(progress.moving("Pushing", self.short, read, total))

    def _show(self, at: int, total: int) -> None:
        if self._pace.due():
            self.emit(progress.moving("Pushing", self.short, at, total))

    def _note(self, digest: Digest, size: int) -> tuple[Digest, int]:
        name = self.target.name
        source = Source(digest, name, sign(self.auth, digest, name))
        if self.form.kind == DEFAULT.kind:  # dockerd takes all of them for gzip
            self.images.distribution.add(self.diff, source)
        return digest, size
