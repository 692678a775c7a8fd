"""What is known about layers in registries: `distribution/`, dockerd's maps.

`diffid-by-digest/sha256/<blob hex>` holds a diff ID; `v2metadata-by-diffid/sha256/<diff hex>` holds
`[{"Digest", "SourceRepository", "HMAC"}]`, newest last. Both only save work: what they say is
checked by hashing or by asking the registry, so a damaged file counts as absent and nothing here is
synced.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from orlop import files
from orlop.errors import OrlopError
from orlop.oci.digest import DiffID, Digest, digest_of, hex_of, parse_digest
from orlop.oci.image import go_json

_MAX_ENTRIES = 50
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that is known to hold a layer as the blob `digest`."""

    digest: Digest
    repository: str  # full name: docker.io/library/busybox
    hmac: str = ""


class Distribution:
    def __init__(self, root: Path) -> None:
        self._diffs = root / "diffid-by-digest" / "sha256"
        self._sources = root / "v2metadata-by-diffid" / "sha256"
        self._lock = threading.Lock()
        root.mkdir(mode=0o700, exist_ok=True)
        for folder in (self._diffs, self._sources):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    def diff_id(self, blob: Digest) -> DiffID | None:
        try:
            return DiffID(parse_digest((self._diffs / hex_of(blob)).read_text("ascii")))
        except (OSError, OrlopError, ValueError):
            return None

    def sources(self, diff: DiffID) -> list[Source]:
        """Newest last."""
        try:
            raw = (self._sources / hex_of(diff)).read_bytes()
            rows = msgspec.json.decode(raw, type=list[dict[str, str]])
            return [
                Source(parse_digest(r["Digest"]), r["SourceRepository"], r.get("HMAC", ""))
                for r in rows
            ]
        except (OSError, OrlopError, msgspec.DecodeError, KeyError):
            return []

    def add(self, diff: DiffID, source: Source) -> None:
        with self._lock:
            kept = [s for s in self.sources(diff) if s != source][-(_MAX_ENTRIES - 1) :]
            rows = [
                {"Digest": s.digest, "SourceRepository": s.repository, "HMAC": s.hmac}
                for s in [*kept, source]
            ]
            files.write_atomic(
                self._sources / hex_of(diff), go_json(rows), mode=0o644, durable=False
            )
            files.write_atomic(
                self._diffs / hex_of(source.digest), diff.encode(), mode=0o644, durable=False
            )

    def forget(self, diff: DiffID, source: Source) -> None:
        """The registry no longer has it."""
        with self._lock:
            kept = [s for s in self.sources(diff) if s != source]
            path = self._sources / hex_of(diff)
            if kept:
                rows = [
                    {"Digest": s.digest, "SourceRepository": s.repository, "HMAC": s.hmac}
                    for s in kept
                ]
                files.write_atomic(path, go_json(rows), mode=0o644, durable=False)
            else:
                path.unlink(missing_ok=True)

    def drop(self, diff: DiffID) -> None:
        """The layer itself is gone. What other layers came from stays."""
        with self._lock:
            for source in self.sources(diff):
                if self.diff_id(source.digest) == diff:
                    (self._diffs / hex_of(source.digest)).unlink(missing_ok=True)
            (self._sources / hex_of(diff)).unlink(missing_ok=True)

    def keep_only(self, diffs: Container[DiffID]) -> None:
        """Drop what a crash left of layers that are gone."""
        for path in list(self._sources.iterdir()):
            if _HEX.fullmatch(path.name) and DiffID(f"sha256:{path.name}") not in diffs:
                self.drop(DiffID(f"sha256:{path.name}"))
        for path in list(self._diffs.iterdir()):
            found = self.diff_id(Digest(f"sha256:{path.name}"))
            if found is not None and found not in diffs:
                path.unlink(missing_ok=True)


def sign(auth: Mapping[str, Any] | None, digest: Digest, repository: str) -> str:
    """dockerd's HMAC: lets a later push prefer repositories that the same user pushed to."""
    values = {key.lower(): value for key, value in (auth or {}).items()}
    names = ("username", "password", "auth", "identitytoken", "registrytoken")
    key = digest_of(go_json({n: values[n] for n in names if values.get(n)}))
    return hmac.new(key.encode(), f"{digest}{repository}".encode(), hashlib.sha256).hexdigest()
