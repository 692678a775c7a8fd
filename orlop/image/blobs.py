"""The noun: compressed blobs that are kept under `<data-root>/orlop/blobs`.

    sha256/<hex>      a blob, whole and checked          by-diff/<hex>     the blob a layer packs to
    incoming/         what is still arriving; emptied when the engine opens

Two kinds share the folder. What the built-in registry's manifests name is pinned. All else is only
work saved: layers as they were packed for a push or a puller; the oldest go when there are more
bytes than `limit`, and the same bytes can be packed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from orlop import files
from orlop.errors import InvalidArgument, OrlopError
from orlop.image.packing import DEFAULT, Form
from orlop.oci.digest import DiffID, Digest, hex_of, parse_digest

_RESERVED = 3600.0  # seconds in which a blob that was sent to us may still be named


class Incoming:
    """A blob on its way in. `Blobs.commit` or `drop` ends it."""

    def __init__(self, folder: Path, *, hashing: bool) -> None:
        fd, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self.size = 0
        self._file = os.fdopen(fd, "wb", buffering=0)
        self._hash = hashlib.sha256() if hashing else None

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        if self._hash is not None:
            self._hash.update(data)
        self.size += len(data)

    @property
    def fd(self) -> int:
        """For whoever writes and hashes by himself."""
        return self._file.fileno()

    @property
    def digest(self) -> Digest:
        assert self._hash is not None
        return Digest("sha256:" + self._hash.hexdigest())

    def finish(self, *, durable: bool) -> None:
        if durable:
            os.fsync(self._file.fileno())
        self._file.close()

    def drop(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    def __init__(self, root: Path, limit: Callable[[], int]) -> None:
        """`limit`: bytes of blobs that nothing pins; 0 keeps none."""
        self.root = root
        self.pinned: Callable[[], Iterable[Digest]] = self.all  # until somebody knows better
        self._limit = limit
        self._lock = threading.Lock()
        self._made = False
        self._reserved: dict[Digest, float] = {}
        shutil.rmtree(root / "incoming", ignore_errors=True)

    @property
    def limit(self) -> int:
        return self._limit()

    def path(self, digest: Digest) -> Path:
        return self.root / "sha256" / hex_of(digest)

    def size(self, digest: Digest) -> int | None:
        """None when it is not here."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, digest: Digest) -> BinaryIO | None:
        """Its bytes, and it counts as used just now. None when it is not here."""
        try:
            file = self.path(digest).open("rb", buffering=0)
        except FileNotFoundError:
            return None
        os.utime(file.fileno())
        return file

    def new(self, *, hashing: bool = True) -> Incoming:
        """Without `hashing` the caller knows the digest at the end."""
        self._lay_out()
        return Incoming(self.root / "incoming", hashing=hashing)

    def _lay_out(self) -> None:
        if not self._made:
            for name in ("sha256", "by-diff", "incoming"):
                (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._made = True

    def commit(
        self,
        incoming: Incoming,
        *,
        digest: Digest | None = None,
        expect: Digest | None = None,
        durable: bool = False,
    ) -> Digest:
        """Keep it. `durable` for what cannot be made again: it is also safe from `trim` for an
        hour, in which something may name it. Raises InvalidArgument, OSError.
        """
        digest = digest or incoming.digest
        if expect is not None and digest != expect:
            incoming.drop()
            raise InvalidArgument(f"the content has the digest {digest}, not {expect}")
        incoming.finish(durable=durable)
        if durable:
            with self._lock:
                self._reserved[digest] = time.monotonic()
        os.rename(incoming.path, self.path(digest))
        if durable:
            files.fsync_dir(self.root / "sha256")
        return digest

    def put(self, data: bytes) -> Digest:
        """A small blob that must not be lost."""
        incoming = self.new()
        incoming.write(data)
        return self.commit(incoming, durable=True)

    def remove(self, digest: Digest) -> None:
        with self._lock:
            self._reserved.pop(digest, None)
        self.path(digest).unlink(missing_ok=True)

    def note(self, diff: DiffID, digest: Digest, size: int, form: Form = DEFAULT) -> None:
        """The layer `diff` packs to this blob."""
        self._lay_out()
        text = f"{digest} {size} {form.name}"
        files.write_atomic(self._noted(diff, form), text.encode(), durable=False)

    def _noted(self, diff: DiffID, form: Form) -> Path:
        suffix = "" if form == DEFAULT else f".{form.kind}-{form.level}"
        return self.root / "by-diff" / (hex_of(diff) + suffix)

    def of(self, diff: DiffID, form: Form = DEFAULT) -> tuple[Digest, int] | None:
        """What is noted; a note of another packer or a damaged one counts as none."""
        try:
            text = self._noted(diff, form).read_text("ascii")
            digest, size, packed = text.split(" ", 2)
            return (parse_digest(digest), int(size)) if packed == form.name else None
        except (OSError, ValueError, OrlopError):
            return None

    def diff_of(self, digest: Digest) -> DiffID | None:
        """The layer that packs to this blob. Looks at every note: for blobs that were let go."""
        folder = self.root / "by-diff"
        for path in folder.iterdir() if folder.is_dir() else ():
            if len(path.name) == 64:
                diff = DiffID("sha256:" + path.name)
                found = self.of(diff)
                if found is not None and found[0] == digest:
                    return diff
        return None

    def trim(self, limit: int | None = None) -> int:
        """Let the longest unused go until no more than `limit` bytes are unpinned; bytes freed."""
        left = self.limit if limit is None else limit
        folder = self.root / "sha256"
        freed = 0
        with self._lock:
            now = time.monotonic()
            self._reserved = {d: at for d, at in self._reserved.items() if now - at < _RESERVED}
            keep = {hex_of(digest) for digest in (*self.pinned(), *self._reserved)}
            rows = []
            for entry in os.scandir(folder) if folder.is_dir() else ():
                if entry.name not in keep:
                    status = entry.stat(follow_symlinks=False)
                    rows.append((status.st_mtime, status.st_size, entry.path))
            total = sum(size for _, size, _ in rows)
            for _, size, path in sorted(rows):
                if total <= left:
                    break
                os.unlink(path)
                total -= size
                freed += size
        return freed

    def all(self) -> list[Digest]:
        folder = self.root / "sha256"
        names = os.listdir(folder) if folder.is_dir() else ()
        return [Digest("sha256:" + name) for name in names]

    def forget(self, diff: DiffID) -> None:
        """The layer is gone: nobody will ask for its blob, unless a manifest names it."""
        for path in (self.root / "by-diff").glob(hex_of(diff) + "*"):
            try:
                digest = parse_digest(path.read_text("ascii").partition(" ")[0])
            except (OSError, ValueError, OrlopError):
                continue
            path.unlink(missing_ok=True)
            if digest not in self.pinned():
                self.remove(digest)
