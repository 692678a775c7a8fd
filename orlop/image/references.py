"""Names of images: `repositories.json`, exactly dockerd's file.

`{"Repositories": {"busybox": {"busybox:latest": "sha256:…", "busybox@sha256:…": "sha256:…"}}}`
"""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import msgspec

from orlop import files
from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.oci.digest import ImageID, parse_digest
from orlop.oci.image import go_json
from orlop.oci.reference import Reference, parse_normalized

log = logging.getLogger(__name__)

# an entry that is whole; what a damaged file lost is not guessed
_ENTRY = re.compile(r'"([^"\\]+)"\s*:\s*"(sha256:[0-9a-f]{64})"')


class References:
    """Readers see whole states; every change is on disk when the call returns."""

    def __init__(self, path: Path) -> None:
        """A damaged file is set aside beside `path`, and the entries in it that are whole are
        kept. Raises SystemFailure when it cannot be."""
        self._path = path
        self._lock = threading.Lock()
        self._names: dict[Reference, ImageID] = {}
        self._by_id: dict[ImageID, set[Reference]] = {}
        self._load()

    def _load(self) -> None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        try:
            document = msgspec.json.decode(raw, type=dict[str, dict[str, dict[str, str]] | None])
            for entries in (document.get("Repositories") or {}).values():
                for text, target in entries.items():
                    self._put(parse_normalized(text), ImageID(parse_digest(target)))
        except (msgspec.DecodeError, OrlopError) as error:
            self._salvage(raw, error)

    def _salvage(self, raw: bytes, error: Exception) -> None:
        """The images are there, and those without a name can be named again by their IDs."""
        self._names.clear()
        self._by_id.clear()
        for text, target in _ENTRY.findall(raw.decode("utf-8", "replace")):
            try:
                self._put(parse_normalized(text), ImageID(parse_digest(target)))
            except OrlopError:
                continue
        try:
            aside = files.set_aside(self._path, raw)
            self._save()
        except OSError as e:
            raise SystemFailure(f"{self._path} is damaged: {error}; {e}") from None
        log.error(
            "%s is damaged: %s; %d names in it are whole and kept, the file is now %s",
            self._path, error, len(self._names), aside,
        )  # fmt: skip

    def _put(self, reference: Reference, image: ImageID) -> None:
        self._drop(reference)
        self._names[reference] = image
        self._by_id.setdefault(image, set()).add(reference)

    def _drop(self, reference: Reference) -> None:
        old = self._names.pop(reference, None)
        if old is not None:
            holders = self._by_id[old]
            holders.discard(reference)
            if not holders:
                del self._by_id[old]

    def _save(self) -> None:
        repositories: dict[str, dict[str, str]] = {}
        for reference, image in self._names.items():
            repositories.setdefault(reference.familiar_name, {})[reference.familiar] = image
        ordered = {
            name: dict(sorted(entries.items())) for name, entries in sorted(repositories.items())
        }
        files.write_atomic(self._path, go_json({"Repositories": ordered}), mode=0o600)

    def get(self, reference: Reference) -> ImageID | None:
        """A digest decides over a tag; a bare name means `:latest`."""
        with self._lock:
            return self._names.get(_key(reference))

    def of(self, image: ImageID) -> list[Reference]:
        """All names of an image in the order of their full form."""
        with self._lock:
            return sorted(self._by_id.get(image, ()), key=str)

    def in_repository(self, reference: Reference) -> list[tuple[Reference, ImageID]]:
        with self._lock:
            found = [(r, i) for r, i in self._names.items() if r.name == reference.name]
        return sorted(found, key=lambda pair: str(pair[0]))

    def all(self) -> dict[Reference, ImageID]:
        with self._lock:
            return dict(self._names)

    def set_tag(self, reference: Reference, image: ImageID) -> ImageID | None:
        """Point a tag at an image; returns what it pointed at. InvalidArgument, OSError."""
        if reference.digest:
            raise InvalidArgument("refusing to create a tag with a digest reference")
        if reference.familiar_name == "sha256":
            raise InvalidArgument(
                "refusing to create an ambiguous tag using digest algorithm as name"
            )
        return self._set(reference.with_default_tag(), image)

    def set_digest(self, reference: Reference, image: ImageID) -> None:
        """Conflict when the digest already names another image."""
        key = _key(reference)
        with self._lock:
            old = self._names.get(key)
        if old is not None and old != image:
            raise Conflict(f"Cannot overwrite digest {reference.digest}")
        self._set(key, image)

    def _set(self, reference: Reference, image: ImageID) -> ImageID | None:
        with self._lock:
            old = self._names.get(reference)
            if old == image:
                return old
            self._put(reference, image)
            try:
                self._save()
            except BaseException:
                if old is None:
                    self._drop(reference)
                else:
                    self._put(reference, old)
                raise
            return old

    def remove(self, reference: Reference) -> Reference:
        """Returns the name that was removed. Raises NotFound, OSError (nothing changed)."""
        key = _key(reference)
        with self._lock:
            image = self._names.get(key)
            if image is None:
                raise NotFound(f"reference does not exist: {key.familiar}")
            self._drop(key)
            try:
                self._save()
            except BaseException:
                self._put(key, image)
                raise
        return key


def _key(reference: Reference) -> Reference:
    if reference.digest:
        return Reference(reference.domain, reference.path, "", reference.digest)
    return reference.with_default_tag()
