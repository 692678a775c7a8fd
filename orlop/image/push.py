"""`docker push`: each layer looked for, mounted or sent; then the config; then the manifest.

Source: dockerd 28's messages; its rule which blobs may be there already (`v2metadata`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from orlop.errors import Conflict, InvalidArgument, NotFound, SystemFailure
from orlop.image import progress
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.notify import notify
from orlop.image.packing import Form, form_of
from orlop.image.send import LayerPush
from orlop.image.stream import Emit, stream
from orlop.image.suitable import require
from orlop.oci.digest import Digest
from orlop.oci.manifest import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    encode_docker_manifest,
    encode_oci_manifest,
)
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry.blobs import Cancelled
from orlop.registry.client import another_may_serve
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import put_manifest
from orlop.registry.retry import retrying
from orlop.registry.session import Session
from orlop.registry.upload import blob_size, send_bytes


def push(
    images: Images,
    name: str,
    *,
    tag: str = "",
    auth: Mapping[str, Any] | None = None,
    platform: str | None = None,
    compression: str = "",
) -> Iterator[dict[str, Any]]:
    """Progress messages; without a tag every tag of the repository. InvalidArgument at once.

    `compression`: see `form_of`; "" is the configured one. Layers in zstd make an OCI manifest.
    """
    form = form_of(compression or images.config.push_compression)
    reference = parse_normalized(name)
    if reference.digest:
        raise InvalidArgument("cannot push a digest reference")
    if tag:
        reference = reference.repository.with_tag(tag)
    if platform:
        require(images.get(reference.familiar), reference.familiar, platform)

    def work(emit: Emit, cancel: threading.Event) -> None:
        text = f"The push refers to repository [{reference.name}]"
        emit(progress.message(text))
        for named, image in _chosen(images, reference):
            _Push(images, named, image, auth, form, emit, cancel).run()
        notify(images, "push", image, reference.familiar, reference.familiar_name)

    return stream(work, "push")


def _chosen(images: Images, reference: Reference) -> list[tuple[Reference, Image]]:
    if reference.tag:
        image_id = images.references.get(reference)
        pairs = [(reference, image_id)] if image_id is not None else []
    else:
        found = images.references.in_repository(reference)
        pairs = [(named, image_id) for named, image_id in found if not named.digest]
    out = [(named, image) for named, i in pairs if i and (image := images.find(i)) is not None]
    if not out:
        raise NotFound(f"An image does not exist locally with the tag: {reference.familiar_name}")
    return out


@dataclass(frozen=True, slots=True)
class _Push:
    """One name on its way to its registry."""

    images: Images
    named: Reference
    image: Image
    auth: Mapping[str, Any] | None
    form: Form
    emit: Emit
    cancel: threading.Event

    def run(self) -> None:
        last: RegistryFailure | None = None
        for session in self.images.registries.sessions(self.named.domain, self.auth, push=True):
            try:
                with self.images.holding(self.image.chains):
                    self._send(session)
                return
            except RegistryFailure as failure:
                if not another_may_serve(session, failure):
                    raise
                last = failure
        raise last or SystemFailure("no endpoint to push to")

    def _send(self, session: Session) -> None:
        named = self.named
        layers = self._layers(session)
        digest, size = self._config(session)
        if self.form.kind == "zstd":
            kind = OCI_MANIFEST
            manifest = encode_oci_manifest(Descriptor(OCI_CONFIG, digest, size), layers)
        else:
            kind = DOCKER_MANIFEST
            manifest = encode_docker_manifest(Descriptor(DOCKER_CONFIG, digest, size), layers)
        shown = retrying(
            lambda: put_manifest(session, named, named.tag, manifest, kind), cancel=self.cancel
        )
        with self.images.locked(self.image), suppress(Conflict):
            self.images.references.set_digest(named.repository.with_digest(shown), self.image.id)
        self.emit(progress.message(f"{named.tag}: digest: {shown} size: {len(manifest)}"))
        self.emit(progress.aux({"Tag": named.tag, "Digest": shown, "Size": len(manifest)}))

    def _config(self, session: Session) -> tuple[Digest, int]:
        digest, raw = Digest(self.image.id), self.image.raw

        def send() -> None:
            if blob_size(session, self.named, digest) is None:
                send_bytes(session, self.named, digest, raw)

        retrying(send, cancel=self.cancel)
        return digest, len(raw)

    def _layers(self, session: Session) -> list[Descriptor]:
        """Descriptors bottom first. One blob is sent once even if layers repeat."""
        abort = threading.Event()
        pushes: dict[str, LayerPush] = {}
        for chain, diff in zip(self.image.chains, self.image.diff_ids):
            if diff not in pushes:
                pushes[diff] = LayerPush(
                    self.images, session, self.named, chain, diff,
                    self.auth, self.emit, abort, self.form,
                )  # fmt: skip
        order = list(reversed(pushes.values()))
        for item in order:
            self.emit(progress.status("Preparing", item.short))
        limit = max(1, self.images.config.max_concurrent_uploads)
        for item in order[limit:]:
            self.emit(progress.status("Waiting", item.short))
        with ThreadPoolExecutor(limit, "push") as pool:
            jobs = [pool.submit(item.run) for item in order]
            try:
                _watch(set(jobs), self.cancel)
            finally:
                abort.set()
                for job in jobs:
                    job.cancel()
        done = {item.diff: job.result() for item, job in zip(order, jobs)}
        media_type = OCI_LAYER + "+zstd" if self.form.kind == "zstd" else DOCKER_LAYER
        return [Descriptor(media_type, *done[diff]) for diff in self.image.diff_ids]


def _watch(jobs: set[Future[tuple[Digest, int]]], cancel: threading.Event) -> None:
    while jobs:
        done, jobs = wait(jobs, timeout=0.1, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        if cancel.is_set():
            raise Cancelled
