"""`docker pull`: resolve, fetch what is missing, check it, name it last.

Source: dockerd 28's messages and texts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from orlop.errors import (
    Conflict,
    Forbidden,
    InvalidArgument,
    NotFound,
    OrlopError,
    Unauthorized,
)
from orlop.image import progress
from orlop.image.fetch import fetch_layers
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.image.notify import notify
from orlop.image.stream import Emit, stream
from orlop.oci import platform as platforms
from orlop.oci.digest import Digest, ImageID
from orlop.oci.manifest import MAX_CONFIG, Index, Manifest, check_image, select
from orlop.oci.platform import Platform
from orlop.oci.reference import Reference, check_digest, parse_normalized
from orlop.registry.blobs import get_small
from orlop.registry.client import another_may_serve
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import Fetched, get_manifest, head_manifest
from orlop.registry.retry import retrying
from orlop.registry.session import Session
from orlop.registry.tags import list_tags


def pull_reference(name: str, tag: str = "") -> Reference:
    """What `fromImage` and `tag` of the API mean. Raises InvalidArgument."""
    reference = parse_normalized(name)
    if not tag:
        return reference
    if ":" in tag:
        try:
            return reference.repository.with_digest(check_digest(tag))
        except InvalidArgument:
            raise InvalidArgument("invalid tag format") from None
    return reference.repository.with_tag(tag)


def pull(
    images: Images,
    ref: str | Reference,
    *,
    platform: str | None = None,
    auth: Mapping[str, Any] | None = None,
    all_tags: bool = False,
) -> Iterator[dict[str, Any]]:
    """Progress messages. InvalidArgument at once; NotFound, RegistryFailure while iterating."""
    reference = parse_normalized(ref) if isinstance(ref, str) else ref
    if reference.digest and not reference.digest.startswith("sha256:"):
        raise InvalidArgument("unsupported digest algorithm")
    wanted = platforms.parse(platform) if platform else None
    if not all_tags:
        reference = reference.with_default_tag()

    def work(emit: Emit, cancel: threading.Event) -> None:
        _Pull(images, reference, wanted, auth, all_tags, emit, cancel).run()

    return stream(work, "pull")


class _Pull:
    def __init__(
        self,
        images: Images,
        reference: Reference,
        platform: Platform | None,
        auth: Mapping[str, Any] | None,
        all_tags: bool,
        emit: Emit,
        cancel: threading.Event,
    ) -> None:
        self.images = images
        self.reference = reference
        self.platform = platform
        self.auth = auth
        self.all_tags = all_tags
        self.emit = emit
        self.cancel = cancel

    def run(self) -> None:
        changed = self._from_some_endpoint()
        shown = self.reference.familiar
        what = "Downloaded newer image for" if changed else "Image is up to date for"
        self.emit(progress.message(f"Status: {what} {shown}"))
        image = self._pulled()
        if image is not None and self.platform is not None:
            self._warn(image)
        notify(self.images, "pull", image, shown, self.reference.familiar_name)

    def _pulled(self) -> Image | None:
        image_id = self.images.references.get(self.reference)
        return self.images.find(image_id) if image_id is not None else None

    def _warn(self, image: Image) -> None:
        have = platforms.from_dict(image.config)
        assert self.platform is not None
        if not platforms.satisfies(have, self.platform):
            self.emit(
                progress.message(
                    f"WARNING: image with reference {self.reference.familiar} was found but its "
                    f"platform ({have}) does not match the specified platform ({self.platform})"
                )
            )

    def _from_some_endpoint(self) -> bool:
        last: RegistryFailure | None = None
        for session in self.images.registries.sessions(self.reference.domain, self.auth):
            try:
                return self._from(session)
            except RegistryFailure as failure:
                if not another_may_serve(session, failure):
                    raise translated(failure, self.reference) from None
                last = failure
        assert last is not None
        raise translated(last, self.reference)

    def _from(self, session: Session) -> bool:
        if not self.all_tags:
            return self._one(session, self.reference)
        changed = False
        for tag in list(list_tags(session, self.reference)):
            changed |= self._one(session, self.reference.with_tag(tag))
        return changed

    def _one(self, session: Session, reference: Reference) -> bool:
        """Pull one name; True when it points at something new now."""
        name = reference.digest or reference.tag
        shown = reference.familiar if reference.digest else reference.tag
        start = progress.message(f"Pulling from {reference.path}", shown)
        known = self._unchanged(session, reference, name)
        if known is not None:
            self.emit(start)
            self.emit(progress.message(f"Digest: {known}"))
            return False
        top = self._manifest(session, reference, name)
        if isinstance(top.manifest, Manifest):
            check_image(top.manifest)
        self.emit(start)
        manifest = self._for_platform(session, reference, top)
        image = self._image(session, reference, manifest)
        self.emit(progress.message(f"Digest: {top.digest}"))
        return self._name(reference, top.digest, image)

    def _unchanged(self, session: Session, reference: Reference, name: str) -> Digest | None:
        """The digest when a HEAD shows that we have just this (spares rate limits)."""
        local = self.images.references.get(reference)
        image = self.images.find(local) if local is not None else None
        if image is None or reference.digest:
            return None
        wanted = self.platform or platforms.default()
        if not platforms.satisfies(platforms.from_dict(image.config), wanted):
            return None
        try:
            digest = head_manifest(session, reference, name)
        except (RegistryFailure, InvalidArgument):
            return None  # the GET will say what is wrong
        if digest is None:
            return None
        held = self.images.references.get(reference.repository.with_digest(digest))
        return digest if held == image.id else None

    def _manifest(
        self, session: Session, reference: Reference, name: str, size: int | None = None
    ) -> Fetched:
        return retrying(
            lambda: get_manifest(session, reference, name, size=size), cancel=self.cancel
        )

    def _for_platform(self, session: Session, reference: Reference, top: Fetched) -> Manifest:
        fetched = top
        for _ in range(3):  # an index may hold an index
            found = fetched.manifest
            if isinstance(found, Manifest):
                check_image(found)
                return found
            entry = self._select(found)
            fetched = self._manifest(session, reference, entry.digest, entry.size)
        raise InvalidArgument("invalid manifest: indexes nested too deeply")

    def _select(self, index: Index) -> Any:
        entry = select(index, self.platform)
        if entry is None:
            wanted = self.platform or platforms.default()
            raise NotFound(f"no matching manifest for {wanted} in the manifest list entries")
        return entry

    def _image(self, session: Session, reference: Reference, manifest: Manifest) -> Image:
        known = self.images.find(ImageID(manifest.config.digest))
        if known is not None:
            return known
        config = retrying(
            lambda: get_small(session, reference, manifest.config, MAX_CONFIG), cancel=self.cancel
        )
        return fetch_layers(
            self.images, session, reference, manifest, config, emit=self.emit, cancel=self.cancel
        )

    def _name(self, reference: Reference, digest: Digest, image: Image) -> bool:
        references = self.images.references
        with self.images.locked(image):
            before = references.get(reference)
            if reference.digest:
                references.set_digest(reference, image.id)
            else:
                # another platform of the same list may hold the digest already: dockerd keeps it
                with suppress(Conflict):
                    references.set_digest(reference.repository.with_digest(digest), image.id)
                references.set_tag(reference, image.id)
        return before != image.id


def translated(failure: RegistryFailure, reference: Reference) -> OrlopError:
    """What dockerd makes of a registry's refusal to a pull."""
    text = failure.message
    if text.startswith('Get "') and "/manifests/" in text:
        text = "Head" + text[3:]  # dockerd looks with HEAD first
    if failure.plain:
        return _by_status(failure, text)
    if failure.code == "DENIED":
        return NotFound(
            f"pull access denied for {reference.familiar_name}, repository does not exist or may "
            f"require 'docker login': {text}"
        )
    if failure.code == "MANIFEST_UNKNOWN":
        return NotFound(f"manifest for {reference.familiar} not found: {text}")
    if failure.code == "NAME_UNKNOWN":
        return NotFound(f"repository {reference.familiar_name} not found: {text}")
    return _by_status(failure, text)


def _by_status(failure: RegistryFailure, text: str) -> OrlopError:
    kinds: dict[int, type[OrlopError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound}
    kind = kinds.get(failure.status)
    if kind is None or (not failure.code and failure.status != 401):
        failure.args = (text,)
        return failure
    return kind(text)
