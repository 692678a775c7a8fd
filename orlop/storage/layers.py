"""The noun: committed layers by chain ID, and the writable layers of containers.

    layerdb/sha256/<chain>/{cache-id,diff,parent,size,tar-split.json.gz}
    layerdb/mounts/<container>/{mount-id,init-id,parent}      layerdb/tmp/write-set-*

Invariant: a directory under sha256/ is complete and durable: it appears by one rename after the
layer's files were synced. Whatever else is on disk (tmp, trees without a record) is garbage.
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from orlop import files
from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.oci.digest import ChainID, DiffID, hex_of, next_chain
from orlop.paths import Root
from orlop.storage import changes as comparing
from orlop.storage.deletions import Deletions
from orlop.storage.diff import diff_tar
from orlop.storage.driver import Driver, Owners
from orlop.storage.initlayer import Template, apply_template, populate, read_template
from orlop.storage.journal import Journal
from orlop.storage.layer import Layer, Staged, Writable, mount_id_of, read_layer
from orlop.storage.layer import read_writable as read_mount
from orlop.storage.recordfile import TREE, nothing, put, sync_file, text
from orlop.storage.takeapart import PATIENCE, sweep_trees, take_apart
from orlop.storage.tarsplit import assemble
from orlop.storage.unpack import unpack_layer


class Layers:
    def __init__(self, root: Path, driver: Driver, journal: Journal | None = None) -> None:
        """`journal`: of a data root that another engine wrote too."""
        self.root = root
        self.driver = driver
        self.journal = journal
        self._lock = threading.Lock()
        self.deletions = Deletions(root)
        self._layers: dict[ChainID, Layer] = {}
        self._pending: dict[ChainID, Path] = {}  # stacked, not settled: their write-set folders
        self._writable: dict[str, Writable] = {}
        self._templates: dict[ChainID, Template] = {}  # init layers made before, by image
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("sha256", "mounts", "tmp"):
            (root / name).mkdir(mode=0o755, exist_ok=True)
        self._load()

    # --- committed layers ---------------------------------------------------------------------

    def get(self, chain: ChainID) -> Layer:
        try:
            return self._layers[chain]
        except KeyError:
            raise NotFound(f"layer does not exist: {chain}") from None

    def has(self, chain: ChainID) -> bool:
        return chain in self._layers

    def all(self) -> list[Layer]:
        with self._lock:
            return list(self._layers.values())

    def chain(self, chain: ChainID | None) -> list[Layer]:
        """The stack that ends in `chain`, bottom first."""
        out: list[Layer] = []
        while chain is not None:
            layer = self.get(chain)
            out.append(layer)
            chain = layer.parent
        return out[::-1]

    def stage(self, blob: BinaryIO) -> Staged:
        """Unpack a layer blob (compressed or not) in a worker. Not durable until `sync`."""
        cache_id = secrets.token_hex(32)
        self.note(cache_id)
        folder = self.root / "tmp" / f"write-set-{secrets.token_hex(5)}"
        split = folder / "tar-split.json.gz"
        try:
            folder.mkdir(mode=0o755)
            tree = self.driver.create(cache_id)
            with self.deletions.holding_back():
                result = unpack_layer(blob, tree, split, opaque=self.driver.opaque)
        except BaseException:
            take_apart(self.driver, cache_id, folder)
            raise
        return Staged(cache_id, result.diff_id, result.size, folder)

    def drop(self, staged: Staged) -> None:
        take_apart(self.driver, staged.cache_id, staged.folder)

    def sync(self) -> None:
        """Make staged trees durable: once, before they are committed."""
        self.driver.sync()

    def stack(self, parent: ChainID | None, staged: Staged) -> Layer:
        """As `commit`, but neither durable nor found after a crash before `settle`: what stands
        on it can go on at once. One that is there already wins; ours is dropped."""
        chain = next_chain(parent, staged.diff_id)
        layer = Layer(chain, staged.diff_id, parent, staged.cache_id, staged.size)
        with self._lock:
            found = self._layers.get(chain)
            if found is None:
                self._describe(layer, staged.folder, durable=False)
                self._layers[chain] = layer
                self._pending[chain] = staged.folder
                return layer
        self._behind(staged.cache_id, staged.folder)  # often many files
        return found

    def settle(self, chains: Iterable[ChainID]) -> None:
        """Make stacked layers and what they stand on durable and listed: one sync for all."""
        wanted = {layer.chain_id for chain in chains for layer in self.chain(chain)}
        if not wanted & self._pending.keys():
            return
        self.sync()
        with self._lock:
            for chain in [chain for chain in self._pending if chain in wanted]:
                os.rename(self._pending[chain], self.root / "sha256" / hex_of(chain))
                del self._pending[chain]
        files.fsync_dir(self.root / "sha256")

    def commit(self, parent: ChainID | None, staged: Staged) -> Layer:
        """Stack a staged, synced layer. One that is there already wins; ours is dropped."""
        chain = next_chain(parent, staged.diff_id)
        with self._lock:
            if (found := self._layers.get(chain)) is None:
                layer = Layer(chain, staged.diff_id, parent, staged.cache_id, staged.size)
                try:
                    self._publish(layer, staged.folder)
                except BaseException:
                    if staged.folder.is_dir():  # else it is published, for all that is known
                        self.drop(staged)
                    raise
                self._layers[chain] = layer
                return layer
        self.drop(staged)
        return found

    def note(self, *names: str) -> None:
        """About to be made here."""
        if self.journal is not None:
            for name in filter(None, names):
                self.journal.note(name)

    def ours(self, name: str) -> bool:
        """This tree or layer may be swept away when nothing needs it."""
        return self.journal is None or name in self.journal

    def _publish(self, layer: Layer, folder: Path) -> None:
        self._describe(layer, folder, durable=True)
        sync_file(folder / "tar-split.json.gz")
        files.fsync_dir(folder)
        record = self._record(layer.chain_id)
        os.rename(folder, record)
        try:
            files.fsync_dir(self.root / "sha256")
        except BaseException:
            os.rename(record, folder)  # or nobody could make this layer again
            raise

    def _describe(self, layer: Layer, folder: Path, *, durable: bool) -> None:
        """Put the tree on its parent and write the record into its write-set."""
        self.note(layer.chain_id)
        if layer.parent is not None:
            self.driver.attach(layer.cache_id, self.get(layer.parent).cache_id)
            if self.driver.whole:
                self.driver.sync()  # what stacking copied came after the sync of the caller
            put(folder / "parent", layer.parent, durable=durable)
        put(folder / "diff", layer.diff_id, durable=durable)
        put(folder / "size", str(layer.size), durable=durable)
        put(folder / "cache-id", layer.cache_id, durable=durable)

    def register(
        self, parent: ChainID | None, blob: Path | BinaryIO, *, expect: DiffID | None = None
    ) -> Layer:
        """Stage, check, sync, commit. Raises InvalidArgument when the diff ID is not `expect`."""
        if isinstance(blob, Path):
            with blob.open("rb") as file:
                return self.register(parent, file, expect=expect)
        if expect is not None and self.has(next_chain(parent, expect)):
            return self.get(next_chain(parent, expect))
        staged = self.stage(blob)
        if expect is not None and staged.diff_id != expect:
            self.drop(staged)
            raise InvalidArgument(
                f"invalid diffID for layer: expected {expect}, got {staged.diff_id}"
            )
        self.sync()
        return self.commit(parent, staged)

    def view(self, chain: ChainID) -> int:
        """A detached view, to read, of a stack of layers, by descriptor."""
        return self.driver.view(self.get(chain).cache_id)

    def open_tar(self, chain: ChainID) -> Iterator[bytes]:
        """The layer's archive, byte-identical to the one it came from."""
        layer = self.get(chain)
        with self.deletions.holding_back(), Root(self.driver.tree(layer.cache_id)) as root:
            yield from assemble(self._record(chain) / "tar-split.json.gz", root)

    def delete(self, chain: ChainID) -> None:
        """Raises Conflict while a layer or a container is stacked on it."""
        with self._lock:
            layer = self.get(chain)
            if chain in self._parents():
                raise Conflict(f"layer {chain} is in use")
            gone = self._record(chain).with_name(f"{hex_of(chain)}-{secrets.token_hex(5)}-removing")
            os.rename(self._record(chain), gone)
            del self._layers[chain]
            self._pending.pop(chain, None)
            self._templates.pop(chain, None)
        # Nobody finds the tree any more: its files (often tens of thousands) go behind the answer.
        # A crash meanwhile leaves it to the sweep.
        self._behind(layer.cache_id, gone)

    def _behind(self, id: str, record: Path) -> None:
        self.deletions.submit(take_apart, self.driver, id, record, self.deletions.pause)

    def close(self, *, finish: bool = True) -> None:
        """Without `finish` the next start goes on with what is still being deleted; in a root that
        another engine wrote, too, nothing is left."""
        self.deletions.close(math.inf if finish or self.journal is not None else PATIENCE)

    def in_use(self, chain: ChainID) -> bool:
        with self._lock:
            return chain in self._parents()

    def _parents(self) -> set[ChainID | None]:
        made = (w.parent for w in self._writable.values())
        return {*made, *(layer.parent for layer in self._layers.values())}

    def _record(self, chain: ChainID) -> Path:
        pending = self._pending.get(chain)
        return pending if pending is not None else self.root / "sha256" / hex_of(chain)

    # --- writable layers ----------------------------------------------------------------------

    def create_writable(
        self,
        container_id: str,
        parent: ChainID | None,
        *,
        init: bool = True,
        volatile: bool = False,
    ) -> Writable:
        mount_id = mount_id_of(container_id)
        if volatile or self.driver.exists(mount_id):
            mount_id = secrets.token_hex(32)
        init_id = f"{mount_id}-init" if init else ""
        self.note(mount_id, init_id)
        below = self.get(parent).cache_id if parent is not None else None
        try:
            if init:
                self.driver.create(init_id)
                if below is not None:
                    self.driver.attach(init_id, below)
                self._fill_init(init_id, below, parent)
                below = init_id
            self.driver.create(mount_id)
            if below is not None:
                self.driver.attach(mount_id, below)
            made = Writable(container_id, mount_id, init_id, parent, volatile)
            self._write_mount(made)
        except BaseException:
            self.driver.remove(mount_id)
            if init_id:
                self.driver.remove(init_id)
            raise
        with self._lock:
            self._writable[container_id] = made
        return made

    def _fill_init(self, init_id: str, below: str | None, parent: ChainID | None) -> None:
        """Merging costs two milliseconds: once per image, and what came of it is made again."""
        if self.driver.whole:
            self._populate_init(init_id, below)
            return
        known = self._templates.get(parent) if parent is not None else None
        if known is not None:
            apply_template(self.driver.tree(init_id), known)
            return
        self._populate_init(init_id, below)
        if parent is not None:
            made = read_template(self.driver.tree(init_id))
            if made is not None:
                self._templates[parent] = made

    def _populate_init(self, init_id: str, below: str | None) -> None:
        if below is None:
            fd = os.open(self.driver.tree(init_id), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        else:
            fd = self.driver.temporary(init_id)
        try:
            populate(fd)
        finally:
            os.close(fd)
        self.driver.settle(init_id)

    def _write_mount(self, made: Writable) -> None:
        folder = self.root / "mounts" / made.container_id
        fresh = self.root / "tmp" / f"mount-{secrets.token_hex(5)}"
        fresh.mkdir(mode=0o755)
        put(fresh / "mount-id", made.mount_id, durable=False)
        if made.init_id:
            put(fresh / "init-id", made.init_id, durable=False)
        if made.parent is not None:
            put(fresh / "parent", made.parent, durable=False)
        os.rename(fresh, folder)

    def mend(self) -> None:
        """After a power cut: what a layer stands on is written behind the sync of its files."""
        done: set[str] = set()
        for top in self.all():
            below: str | None = None
            with suppress(NotFound):  # of damaged records
                for layer in self.chain(top.chain_id):
                    if layer.cache_id not in done and self.driver.exists(layer.cache_id):
                        self.driver.mend(layer.cache_id, below)
                    done.add(below := layer.cache_id)

    def mend_writable(self, container_id: str, parent: ChainID | None) -> bool:
        """After a power cut: none of the small files is synced, all can be said again from the
        container's ID and its image. True when something had to be."""
        made = self._writable.get(container_id) or self._derived(container_id, parent)
        if made is None or (parent is not None and not self.has(parent)):
            return False
        below = self.get(parent).cache_id if parent is not None else None
        mended = False
        if made.init_id:
            mended = self.driver.mend(made.init_id, below)
            below = made.init_id
        mended |= self.driver.mend(made.mount_id, below)
        if container_id not in self._writable:
            self._forget_mount(container_id)
            self._write_mount(made)
            self._writable[container_id] = made
            mended = True
        return mended

    def _derived(self, container_id: str, parent: ChainID | None) -> Writable | None:
        mount_id = mount_id_of(container_id)
        if not self.driver.exists(mount_id):
            return None
        init_id = f"{mount_id}-init"
        return Writable(
            container_id, mount_id, init_id if self.driver.exists(init_id) else "", parent
        )

    def writable(self, container_id: str) -> Writable:
        try:
            return self._writable[container_id]
        except KeyError:
            raise NotFound(f"mount does not exist: {container_id}") from None

    def writable_ids(self) -> list[str]:
        """Containers that have a writable layer."""
        return list(self._writable)

    def graph_data(self, container_id: str) -> dict[str, str]:
        """GraphDriver.Data of `inspect`."""
        return self.driver.data(self.writable(container_id).mount_id)

    def mount(self, container_id: str, owners: Owners | None = None) -> str:
        """The merged directory on the host; mounts it when it is not."""
        made = self.writable(container_id)
        return str(self.driver.mount(made.mount_id, volatile=made.volatile, owners=owners))

    def unmount(self, container_id: str) -> None:
        self.driver.unmount(self.writable(container_id).mount_id)

    def remove_writable(self, container_id: str) -> None:
        """Idempotent."""
        with self._lock:
            made = self._writable.pop(container_id, None)
        if made is None:
            return
        self.driver.unmount(made.mount_id)
        self._forget_mount(container_id)
        self.driver.remove(made.mount_id)
        if made.init_id:
            self.driver.remove(made.init_id)

    def _forget_mount(self, container_id: str) -> None:
        """In one step: half a record would look like damage, and damage keeps every tree."""
        gone = self.root / "tmp" / f"mount-{secrets.token_hex(5)}"
        with suppress(FileNotFoundError):
            os.rename(self.root / "mounts" / container_id, gone)
        shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def pair(self, container_id: str) -> Iterator[tuple[int, int]]:
        """(the container's tree, what lies under it)."""
        made = self.writable(container_id)
        parent = made.init_id or (self.get(made.parent).cache_id if made.parent else "")
        upper = os.open(
            self.driver.tree(made.mount_id), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )
        try:
            lower = self.driver.view(parent) if parent else nothing()
            try:
                yield upper, lower
            finally:
                os.close(lower)
        finally:
            os.close(upper)

    def changes(self, container_id: str) -> list[comparing.Change]:
        with self.pair(container_id) as (upper, lower):
            return self._compare(upper, lower)

    def _compare(self, upper: int, lower: int) -> list[comparing.Change]:
        return (comparing.compare_whole if self.driver.whole else comparing.compare)(upper, lower)

    def diff_tar(self, container_id: str) -> Iterator[bytes]:
        """The writable layer as an OCI layer archive."""
        with self.pair(container_id) as (upper, lower):
            found = self._compare(upper, lower)
            with Root(upper) as root:
                yield from diff_tar(root, found)

    def size_writable(self, container_id: str) -> int:
        with self.pair(container_id) as (upper, lower):
            if self.driver.whole:
                return comparing.usage_of(upper, self._compare(upper, lower))
            return comparing.usage(upper)

    def _load(self) -> None:
        for folder in (self.root / "sha256").iterdir():
            if folder.name.endswith("-removing"):
                continue
            layer = read_layer(folder)
            if layer is not None:
                self._layers[layer.chain_id] = layer
        for folder in (self.root / "mounts").iterdir():
            made = read_mount(folder)
            if made is not None:
                self._writable[folder.name] = made

    def sweep(self, containers: set[str]) -> list[str]:
        """Remove what a crash left: half-made layers, writable layers of no container.

        Returns what was removed. Only for a root that this engine alone writes, and before
        anything is made in it: a tree that a pull has begun looks like an orphan. The trees of
        damaged records stay, for a repair.
        """
        removed, late = [], list[tuple[str, Path | None]]()
        if self.journal is None:
            named = {layer.cache_id for layer in self._layers.values()}
            for folder in (self.root / "sha256").glob("*-removing"):
                id = text(folder / "cache-id")
                if TREE.fullmatch(id) and id not in named:
                    late.append((id, folder))
                else:
                    shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
            for folder in (self.root / "tmp").iterdir():
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
        sweep_trees(self.driver, self.deletions, late)
        for id in set(self._writable) - containers:
            if self.ours(self._writable[id].mount_id):
                self.remove_writable(id)
                removed.append(id)
        for folder in (self.root / "mounts").iterdir() if self.journal is None else ():
            if folder.name not in containers:
                self._forget_mount(folder.name)
        known = self._named_trees()
        if known is None:
            return removed
        orphans = sorted(filter(self.ours, set(self.driver.all()) - known))
        sweep_trees(self.driver, self.deletions, [(id, None) for id in orphans])
        removed += orphans
        if self.journal is None:
            self.driver.tidy()
        return removed

    def _named_trees(self) -> set[str] | None:
        """IDs of the driver that a record names; None when a record does not say."""
        known = set()
        for folder in (self.root / "sha256").iterdir():
            known.add(text(folder / "cache-id"))
        for folder in (self.root / "mounts").iterdir():
            known.add(text(folder / "mount-id"))
            known.add(text(folder / "init-id") or text(folder / "mount-id"))
        return known if all(TREE.fullmatch(id) for id in known) else None

    def sweep_mounts(self, live: set[str]) -> None:
        """Unmount what no live container (by ID) holds."""
        kept = {w.mount_id for id, w in self._writable.items() if id in live}
        for id in self.driver.mounted() - kept:
            self.driver.unmount(id)
