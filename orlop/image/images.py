"""The noun: the image store of one storage driver, as dockerd lays it out.

`imagedb/content/sha256/<id>` is the config (0600); `imagedb/metadata/sha256/<id>/` holds `parent`,
`lastUpdated` and `builtLocally`; `repositories.json` the names; `distribution/` the registry maps.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orlop import files
from orlop.config import Config
from orlop.errors import NotFound, OrlopError
from orlop.events import Events
from orlop.image.blobs import Blobs
from orlop.image.distribution import Distribution
from orlop.image.model import Image, ImageUse, LayerStore, chains_of
from orlop.image.references import References
from orlop.oci.digest import ChainID, DiffID, Digest, ImageID, digest_of, hex_of, parse_digest
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.reference import parse_any
from orlop.registry.client import Registries

log = logging.getLogger(__name__)

_KEEP_DOWNLOADS = 24 * 3600  # seconds


class Images:
    def __init__(self, root: Path, layers: LayerStore, events: Events, config: Config) -> None:
        """Opens the store below `root`; images with missing parts are left out, not removed."""
        self.root = root
        self.layers = layers
        self.events = events
        self.config = config
        self.registries = Registries(config)
        self.in_use: Callable[[], Iterable[ImageUse]] = tuple
        self.mirrored: Callable[[], Iterable[Digest]] = tuple  # blobs kept for a mirror
        self.on_delete: Callable[[Image], None] = lambda image: None
        self._content = root / "imagedb" / "content" / "sha256"
        self._metadata = root / "imagedb" / "metadata" / "sha256"
        for folder in (self._content, self._metadata):
            for path in (folder.parent.parent, folder.parent, folder):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.references = References(root / "repositories.json")
        self.distribution = Distribution(root / "distribution")
        self.blobs = Blobs(
            config.data_root / "orlop" / "blobs", lambda: self.config.blob_cache_size
        )
        self.lock = threading.RLock()  # removal against registration
        many = config.max_concurrent_downloads
        self.downloads = threading.BoundedSemaphore(many if many > 0 else 64)
        self._held: Counter[ChainID] = Counter()
        self._images: dict[ImageID, Image] = {}
        self._restore()
        self._clear_scratch()

    @property
    def scratch(self) -> Path:
        """A folder for downloads and archives being read; ours alone."""
        path = self.config.data_root / "orlop" / "downloads"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def _clear_scratch(self) -> None:
        """Half-done work of an earlier daemon goes; recent downloads stay, to be resumed."""
        oldest = time.time() - _KEEP_DOWNLOADS
        unpacked = {diff for image in self._images.values() for diff in image.diff_ids}
        for path in self.scratch.iterdir():
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.lstat().st_mtime < oldest or self._diff_of(path.name) in unpacked:
                    path.unlink()
            except OSError as error:
                log.warning("%s stays: %s", path, error)

    def _diff_of(self, name: str) -> DiffID | None:
        """The layer that a download became: of an image whose pull was killed at its very end."""
        try:
            return self.distribution.diff_id(parse_digest("sha256:" + name))
        except OrlopError:
            return None

    def _restore(self) -> None:
        for path in self._content.iterdir():
            if len(path.name) != 64:
                continue
            try:
                image = self._read(ImageID(parse_digest("sha256:" + path.name)))
            except (OSError, OrlopError) as error:
                log.warning("image %s left out: %s", path.name, error)
                continue
            missing = [c for c in image.chains if not self.layers.has(c)]
            if missing:
                log.warning("image %s left out: layer %s is missing", path.name, missing[0])
                continue
            self._images[image.id] = image

    def _read(self, image_id: ImageID) -> Image:
        raw = (self._content / hex_of(image_id)).read_bytes()
        if ImageID(digest_of(raw)) != image_id:
            raise OrlopError("its config does not match its digest")
        return make_image(image_id, raw, self._read_parent(image_id))

    def _read_parent(self, image_id: ImageID) -> ImageID | None:
        try:
            return ImageID(parse_digest(self._meta(image_id, "parent").read_text("ascii")))
        except (OSError, OrlopError, ValueError):
            return None

    def stored_config(self, image_id: ImageID) -> bytes:
        """The config as it lies on disk now; b"" when it is gone."""
        try:
            return (self._content / hex_of(image_id)).read_bytes()
        except OSError:
            return b""

    def _meta(self, image_id: ImageID, name: str) -> Path:
        return self._metadata / hex_of(image_id) / name

    def all(self) -> list[Image]:
        with self.lock:
            return list(self._images.values())

    def find(self, image_id: ImageID) -> Image | None:
        with self.lock:
            return self._images.get(image_id)

    def children(self, image_id: ImageID) -> list[Image]:
        with self.lock:
            return [i for i in self._images.values() if i.parent == image_id]

    def get(self, ref_or_id: str) -> Image:
        """By name, full ID or unique prefix. Raises NotFound `No such image: x:latest`."""
        parsed = parse_any(ref_or_id)
        if isinstance(parsed, str):
            image = self.find(ImageID(parse_digest(parsed)))
            if image is None:
                raise NotFound(f"No such image: {parsed}")
            return image
        named = self.references.get(parsed)
        image = self.find(named) if named is not None else self._by_prefix(ref_or_id)
        if image is None:
            raise NotFound(f"No such image: {parsed.with_default_tag().familiar}")
        return image

    def _by_prefix(self, text: str) -> Image | None:
        prefix = text.removeprefix("sha256:")
        if not prefix or not prefix.isascii() or not prefix.isalnum():
            return None
        with self.lock:
            found = [i for k, i in self._images.items() if k.startswith(prefix, 7)]
        return found[0] if len(found) == 1 else None

    def add(
        self,
        raw: bytes,
        *,
        parent: ImageID | None = None,
        local: bool = False,
        durable: bool = True,
    ) -> Image:
        """Store a config whose layers are there. InvalidArgument, NotFound, OSError."""
        image = make_image(ImageID(digest_of(raw)), raw, parent)
        with self.lock:
            known = self._images.get(image.id)
            if known is not None:
                return known if parent is None else self._adopt(known, parent)
            for chain in image.chains:
                if not self.layers.has(chain):
                    raise NotFound(f"failed to get layer {chain}: layer does not exist")
            if parent is not None or local:
                self._meta(image.id, "x").parent.mkdir(mode=0o700, exist_ok=True)
            if parent is not None:
                self._write_meta(image.id, "parent", parent)
            if local:
                self._write_meta(image.id, "builtLocally", "")
            content = self._content / hex_of(image.id)
            files.write_atomic(content, raw, mode=0o600, durable=durable)
            self._images[image.id] = image
        return image

    def _adopt(self, image: Image, parent: ImageID) -> Image:
        if image.parent == parent or parent == image.id:
            return image
        self._write_meta(image.id, "parent", parent)
        self._images[image.id] = changed = replace(image, parent=parent)
        return changed

    def _write_meta(self, image_id: ImageID, name: str, text: str) -> None:
        path = self._meta(image_id, name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.write_atomic(path, text.encode("ascii"), mode=0o600, durable=False)

    def touch(self, image_id: ImageID, when: str) -> None:
        """Note when a name was last set (`Metadata.LastTagTime`)."""
        self._write_meta(image_id, "lastUpdated", when)

    def last_tagged(self, image_id: ImageID) -> str:
        try:
            return self._meta(image_id, "lastUpdated").read_text("ascii")
        except (OSError, ValueError):
            return "0001-01-01T00:00:00Z"

    def forget(self, image_id: ImageID) -> None:
        """Remove the files of an image that is not listed, because they are damaged."""
        (self._content / hex_of(image_id)).unlink(missing_ok=True)
        shutil.rmtree(self._metadata / hex_of(image_id), ignore_errors=True)

    def delete(self, image: Image) -> list[ChainID]:
        """Remove the record, then the layers that nothing else needs, top first (returned)."""
        with self.lock:
            self._images.pop(image.id, None)
            for child in self.children(image.id):
                self._meta(child.id, "parent").unlink(missing_ok=True)
                self._images[child.id] = replace(child, parent=None)
            (self._content / hex_of(image.id)).unlink(missing_ok=True)
            shutil.rmtree(self._metadata / hex_of(image.id), ignore_errors=True)
        self.on_delete(image)
        return self.release(image.chain)

    @contextmanager
    def locked(self, image: Image) -> Iterator[None]:
        """Nobody removes `image` meanwhile. Raises NotFound when it is gone already."""
        with self.lock:
            if image.id not in self._images:
                raise NotFound(f"No such image: {image.id}")
            yield

    @contextmanager
    def holding(self, chains: Iterable[ChainID]) -> Iterator[None]:
        """Keep layers from being released while an operation builds on them."""
        kept = list(chains)
        with self.lock:
            self._held.update(kept)
        try:
            yield
        finally:
            with self.lock:
                self._held.subtract(kept)
                self._held += Counter()  # drops the zeros

    def keep(self, chains: Iterable[ChainID]) -> None:
        """Somebody else (the build cache) needs these layers and those below, until `let_go`."""
        with self.lock:
            self._held.update(self._stacks(chains))

    def let_go(self, chains: Iterable[ChainID]) -> None:
        """Undo one `keep` of each; layers that nobody needs any more are deleted."""
        kept = list(chains)
        with self.lock:
            self._held.subtract(self._stacks(kept))
            self._held += Counter()
        for chain in kept:
            self.release(chain)

    def _stacks(self, chains: Iterable[ChainID]) -> list[ChainID]:
        out = []
        for chain in chains:
            at: ChainID | None = chain
            while at is not None and self.layers.has(at):
                out.append(at)
                at = self.layers.get(at).parent
        return out

    def release(self, chain: ChainID | None) -> list[ChainID]:
        """Delete `chain` and what is below it as far as no image, container or pull needs it."""
        gone: list[ChainID] = []
        with self.lock:
            needed = {c for image in self._images.values() for c in image.chains}
            needed.update(self._held)
            while chain is not None and chain not in needed and self.layers.has(chain):
                layer = self.layers.get(chain)
                try:
                    self.layers.delete(chain)
                except OrlopError:
                    break  # a container or a layer above still stands on it
                self.blobs.forget(layer.diff_id)
                if not any(other.diff_id == layer.diff_id for other in self.layers.all()):
                    self.distribution.drop(layer.diff_id)
                gone.append(chain)
                chain = layer.parent
        return gone

    def clear_caches(self) -> int:
        """Drop what only saves work: halves of pulls, packed layers. Bytes freed."""
        (self.config.data_root / "orlop" / "mirror.json").unlink(missing_ok=True)
        freed = self.blobs.trim(0)
        for path in self.scratch.iterdir():
            try:
                size = path.lstat().st_size
                path.unlink()  # a pull that is writing it has it open
                freed += size
            except OSError:
                continue
        return freed

    def sweep(self) -> list[ChainID]:
        """Layers that a crash left without an image. Only for a root that this engine alone writes.

        Layers of damaged images count as theirs: they are kept for a repair.
        """
        if len(self._images) != sum(len(p.name) == 64 for p in self._content.iterdir()):
            return []  # something was left out: nobody knows what it stands on
        gone: list[ChainID] = []
        for layer in list(self.layers.all()):
            if self.layers.ours(layer.chain_id):
                gone += self.release(layer.chain_id)
        if self.layers.ours(""):  # not where dockerd has its maps, too
            self.distribution.keep_only({layer.diff_id for layer in self.layers.all()})
        return gone

    def close(self) -> None:
        self.registries.close()


def make_image(image_id: ImageID, raw: bytes, parent: ImageID | None) -> Image:
    config = parse_config(raw)
    diffs = diff_ids(config)
    return Image(image_id, raw, diffs, chains_of(diffs), config.get("created") or "", parent)
