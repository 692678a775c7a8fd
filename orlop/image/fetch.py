"""The layers of a pull: downloads side by side, unpacking beside them, stacking at the end."""

from __future__ import annotations

import math
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from orlop.errors import InvalidArgument, OrlopError, SystemFailure
from orlop.image import progress
from orlop.image.distribution import Source
from orlop.image.images import Images
from orlop.image.model import Image, chains_of
from orlop.image.progress import Pace
from orlop.image.staging import Stack, missing_from, stage_file
from orlop.image.stream import Emit
from orlop.oci.digest import DiffID, hex_of
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.manifest import Descriptor, Manifest
from orlop.oci.reference import Reference
from orlop.registry.blobs import Cancelled, Download
from orlop.registry.session import Session

_POLL = 0.1


class _Locks:
    """One puller of a blob at a time within this engine; the next finds its bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def held(self, key: str, cancel: threading.Event) -> Iterator[None]:
        with self._lock:
            lock = self._holders[key]
        while not lock.acquire(timeout=_POLL):
            if cancel.is_set():
                raise Cancelled
        try:
            yield
        finally:
            lock.release()


_blobs = _Locks()


def fetch_layers(
    images: Images,
    session: Session,
    reference: Reference,
    manifest: Manifest,
    config: bytes,
    *,
    emit: Emit,
    cancel: threading.Event,
) -> Image:
    """The stored image. Raises InvalidArgument, RegistryFailure, OSError, Cancelled."""
    document = parse_config(config)
    diffs = diff_ids(document)
    if len(diffs) != len(manifest.layers):
        raise InvalidArgument("invalid manifest, layers length mismatch: expected "
                              f"{len(manifest.layers)}, got {len(diffs)}")  # fmt: skip
    if document.get("os") not in (None, "", "linux"):
        raise InvalidArgument(
            f'image operating system "{document["os"]}" cannot be used on this platform: '
            "operating system is not supported"
        )
    with images.holding(chains_of(diffs)):
        fetching = _Fetching(images, session, reference, manifest, diffs, emit, cancel)
        fetching.run()
        image = images.add(config)
    for path in fetching.files:
        path.unlink(missing_ok=True)
    return image


class _Fetching:
    def __init__(
        self,
        images: Images,
        session: Session,
        reference: Reference,
        manifest: Manifest,
        diffs: tuple[DiffID, ...],
        emit: Emit,
        cancel: threading.Event,
    ) -> None:
        self.images = images
        self.session = session
        self.reference = reference
        self.layers = manifest.layers
        self.diffs = diffs
        self.emit = emit
        self.cancel = cancel
        self.abort = threading.Event()  # ours or the caller's end
        scratch = images.scratch
        self.files = [scratch / hex_of(layer.digest) for layer in manifest.layers]
        self.unpacking: dict[int, int] = {}  # layer index to the descriptor being read
        self.paces = [Pace() for _ in manifest.layers]

    def run(self) -> None:
        chains = chains_of(self.diffs)
        there = missing_from(self.images.layers, chains)
        for layer in self.layers[:there]:
            self.emit(progress.status("Already exists", layer.short))
        for layer in self.layers[there:]:
            self.emit(progress.status("Pulling fs layer", layer.short))
        limit = self.images.config.max_concurrent_downloads
        for layer in self.layers[there + limit :] if limit > 0 else ():
            self.emit(progress.status("Waiting", layer.short))
        base = chains[there - 1] if there else None
        with Stack(self.images, base) as stack:
            self._all(range(there, len(self.layers)), there, stack)
            stack.commit(
                self.diffs[there:],
                lambda index, _: self._complete(self.layers[there + index]),
            )
        for layer, diff in zip(self.layers, self.diffs):
            if layer.gzipped:  # a push takes what is noted here for a gzipped layer
                self.images.distribution.add(diff, Source(layer.digest, self.reference.name))

    def _complete(self, layer: Descriptor) -> None:
        self.emit(progress.moving("Extracting", layer.short, layer.size, layer.size))
        self.emit(progress.status("Pull complete", layer.short))

    def _all(self, wanted: range, there: int, stack: Stack) -> None:
        """Every layer through download and worker; the first failure ends all."""
        if not wanted:
            return
        width = max(self.images.config.max_concurrent_downloads, 1) + (os.cpu_count() or 1)
        with ThreadPoolExecutor(width, "layer") as pool:
            jobs = [pool.submit(self._layer, index, there, stack) for index in wanted]
            try:
                self._watch(set(jobs))
            finally:
                self.abort.set()
                for job in jobs:
                    job.cancel()

    def _watch(self, jobs: set[Future[None]]) -> None:
        left = jobs
        while left:
            done, left = wait(left, timeout=_POLL, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
            if self.cancel.is_set():
                raise Cancelled
            self._show_unpacking()

    def _show_unpacking(self) -> None:
        """The worker shares our open file: its offset is how far it has come."""
        for index, fd in list(self.unpacking.items()):
            layer = self.layers[index]
            try:
                at = os.lseek(fd, 0, os.SEEK_CUR)
            except OSError:
                continue
            if 0 < at <= layer.size:
                self.emit(progress.moving("Extracting", layer.short, at, layer.size))

    def _layer(self, index: int, there: int, stack: Stack) -> None:
        if self.abort.is_set():
            raise Cancelled
        layer = self.layers[index]
        with _blobs.held(layer.digest, self.abort):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(self.files[index], flags, 0o600)
            with open(fd, "r+b", buffering=0) as file:
                with self.images.downloads:
                    self._download(index, fd)
                os.lseek(fd, 0, os.SEEK_SET)
                self.unpacking[index] = fd
                try:
                    staged = stage_file(self.images.layers, file, self.diffs[index], index)
                except (OSError, OrlopError) as error:
                    raise SystemFailure(f"failed to register layer: {error}") from None
                finally:
                    del self.unpacking[index]
        stack.put(index - there, staged)

    def _download(self, index: int, fd: int) -> None:
        layer, pace = self.layers[index], self.paces[index]

        def on_bytes(have: int) -> None:
            if pace.due():
                self.emit(progress.moving("Downloading", layer.short, have, layer.size))

        def on_retry(seconds: float) -> None:
            whole = max(1, math.ceil(seconds))
            text = f"Retrying in {whole} second{'' if whole == 1 else 's'}"
            self.emit(progress.status(text, layer.short))

        Download(
            self.session,
            self.reference,
            layer,
            fd,
            attempts=max(1, self.images.config.max_download_attempts),
            cancel=self.abort,
            on_bytes=on_bytes,
            on_retry=on_retry,
        ).run()
        self.emit(progress.status("Verifying Checksum", layer.short))
        self.emit(progress.status("Download complete", layer.short))
