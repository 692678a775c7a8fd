"""A pull-through mirror of one registry: what a client asked for once is kept, and served again.

`<data-root>/orlop/mirror.json`: {"<host>": {"<repository>": {"Tags": {tag: digest}, "Kinds":
{digest: media type}, "Blobs": [digest]}}}. The bytes are blobs of the store. It is a cache:
`image prune -a` empties it. Clients' credentials are never seen here; the upstream is shown those
of whoever began to serve.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec

from orlop import files
from orlop.errors import InvalidArgument, NotFound, OrlopError
from orlop.image.images import Images
from orlop.image.published import Found, named_by, parsed
from orlop.oci.digest import Digest
from orlop.oci.image import go_json
from orlop.oci.manifest import Descriptor
from orlop.oci.reference import Reference
from orlop.registry.blobs import Download
from orlop.registry.credentials import from_auth
from orlop.registry.endpoints import Endpoint, is_insecure
from orlop.registry.failure import RegistryFailure
from orlop.registry.manifests import get_manifest, head_manifest
from orlop.registry.session import Session
from orlop.registry.upload import blob_size

_BLOB = "application/octet-stream"


class _Repository(msgspec.Struct, rename="pascal"):
    tags: dict[str, str] = {}
    kinds: dict[str, str] = {}
    blobs: set[str] = set()


_Record = dict[str, dict[str, _Repository]]


def kept(path: Path) -> set[Digest]:
    """Every blob of every mirror, from its record."""
    out: set[Digest] = set()
    for repositories in _load(path).values():
        for row in repositories.values():
            out.update(map(Digest, row.blobs | row.kinds.keys()))
    return out


def _load(path: Path) -> _Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}  # a cache: what is damaged is fetched again


def upstream(images: Images, url: str) -> Endpoint:
    """Raises InvalidArgument for what is no registry's URL, or plain http that is not allowed."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise InvalidArgument(f"{url[:200]!r} is not the URL of a registry")
    if "@" in parts.netloc:
        raise InvalidArgument("a registry's URL with credentials; use orlop login")
    insecure = is_insecure(images.config, parts.netloc)
    if parts.scheme == "http" and not insecure:
        raise InvalidArgument(f"{parts.netloc} is not among the insecure-registries: use https")
    host = "registry-1.docker.io" if parts.netloc == "docker.io" else parts.netloc
    return Endpoint(parts.scheme, host, parts.path.rstrip("/"), not insecure)


class Mirror:
    def __init__(self, images: Images, endpoint: Endpoint, auth: Mapping[str, Any] | None) -> None:
        self.images = images
        self._endpoint = endpoint
        self._credentials = from_auth(auth)
        self._path = images.config.data_root / "orlop" / "mirror.json"
        self._lock = threading.Lock()
        self._turns: defaultdict[Digest, threading.Lock] = defaultdict(threading.Lock)

    def manifest(self, name: str, wanted: str) -> Found:
        """By tag (as it is upstream now, or as it was when that cannot be asked) or digest.

        Raises NotFound, RegistryFailure.
        """
        known = self._kept(name, wanted)
        if ":" in wanted and known is not None:
            return known
        reference = Reference(self._endpoint.host, name)
        try:
            session = self._session()
            if known is not None and head_manifest(session, reference, wanted) == known.digest:
                return known
            found = get_manifest(session, reference, wanted)
        except RegistryFailure as failure:
            if known is not None and (failure.unreachable or failure.temporary):
                return known
            raise
        self.images.blobs.put(found.manifest.raw)
        with self._lock:
            record = _load(self._path)
            row = record.setdefault(self._endpoint.host, {}).setdefault(name, _Repository())
            row.kinds[found.digest] = found.manifest.media_type
            if ":" not in wanted:
                row.tags[wanted] = found.digest
            row.blobs |= {entry.digest for entry in named_by(found.manifest)}
            self._save(record)
        return Found(found.digest, found.manifest.media_type, found.manifest.raw)

    def blob(self, name: str, digest: Digest) -> BinaryIO:
        """Kept, or fetched, checked and kept. Raises NotFound, RegistryFailure, OSError."""
        with self._turns[digest]:  # whoever comes second finds it
            file = self._open(name, digest)
            if file is None:
                self._fetch(name, digest)
                file = self._open(name, digest)
        if file is None:
            raise NotFound(f"blob unknown: {digest}")
        return file

    def size(self, name: str, digest: Digest) -> int | None:
        size = self.images.blobs.size(digest) if self._named(name, digest) else None
        if size is None:
            return blob_size(self._session(), Reference(self._endpoint.host, name), digest)
        return size

    def _fetch(self, name: str, digest: Digest) -> None:
        reference = Reference(self._endpoint.host, name)
        session = self._session()
        size = blob_size(session, reference, digest)
        if size is None:
            raise NotFound(f"blob unknown: {digest}")
        incoming = self.images.blobs.new(hashing=False)
        try:
            Download(
                session, reference, Descriptor(_BLOB, digest, size), incoming.fd,
                attempts=max(1, self.images.config.max_download_attempts),
                cancel=threading.Event(), on_bytes=lambda n: None, on_retry=lambda seconds: None,
            ).run()  # fmt: skip
            self.images.blobs.commit(incoming, digest=digest, durable=True)
        except BaseException:
            incoming.drop()
            raise
        with self._lock:
            record = _load(self._path)
            row = record.setdefault(self._endpoint.host, {}).setdefault(name, _Repository())
            row.blobs.add(digest)
            self._save(record)

    def _session(self) -> Session:
        """Raises RegistryFailure when nobody answers."""
        session = self.images.registries.session(self._endpoint, self._credentials)
        session.ping()
        return session

    def _row(self, name: str) -> _Repository:
        return _load(self._path).get(self._endpoint.host, {}).get(name) or _Repository()

    def _named(self, name: str, digest: Digest) -> bool:
        """Was it a part of this repository? Another's blobs are its own."""
        return digest in self._row(name).blobs

    def _open(self, name: str, digest: Digest) -> BinaryIO | None:
        return self.images.blobs.open(digest) if self._named(name, digest) else None

    def _kept(self, name: str, wanted: str) -> Found | None:
        row = self._row(name)
        digest = wanted if ":" in wanted else row.tags.get(wanted, "")
        file = self.images.blobs.open(Digest(digest)) if digest in row.kinds else None
        if file is None:
            return None
        with file:
            raw = file.read()
        try:
            parsed(raw)
        except OrlopError:
            return None
        return Found(Digest(digest), row.kinds[digest], raw)

    def _save(self, record: _Record) -> None:
        files.write_atomic(self._path, go_json(msgspec.to_builtins(record)), mode=0o600)
