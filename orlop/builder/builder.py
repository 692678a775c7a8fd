"""The noun: builds of this engine, their cache and their folders.

<data-root>/orlop/build/{cache.db,spool,mounts}      <exec-root>/build/<build>/
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orlop.builder.cache import Cache
from orlop.builder.kept import Kept
from orlop.config import Config
from orlop.container.containers import Containers
from orlop.events import Events
from orlop.image.images import Images
from orlop.kernel import mount
from orlop.storage.layers import Layers


@dataclass(eq=False, slots=True)
class Builder:
    config: Config
    images: Images
    layers: Layers
    containers: Containers
    events: Events
    cache: Cache
    cancels: dict[str, Callable[[], None]] = field(default_factory=dict)  # by the client's id
    kept: Kept = field(default_factory=Kept)
    lock: threading.Lock = field(default_factory=threading.Lock)
    cache_mounts: dict[str, threading.Lock] = field(default_factory=dict)  # `sharing=locked`

    @property
    def root(self) -> Path:
        return self.config.data_root / "orlop" / "build"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def mounts(self) -> Path:
        """What `RUN --mount=type=cache` keeps."""
        return self.root / "mounts"

    @property
    def scratch(self) -> Path:
        """Secrets and the like of running builds, on a tmpfs; empty between builds."""
        return self.config.exec_root / "build"

    def cancel(self, id: str) -> None:
        """The build that a client gave this id; unknown ones are no error, as in Docker."""
        with self.lock:
            found = self.cancels.get(id)
        if found is not None:
            found()

    def close(self) -> None:
        with self.lock:
            running = list(self.cancels.values())
        for cancel in running:
            cancel()
        self.kept.drop()
        self.cache.close()


def open_cache(config: Config, images: Images, layers: Layers) -> Cache:
    """The cache of a data root; its layers are kept from now on."""
    cache = Cache(config.data_root / "orlop" / "build" / "cache.db")
    gone = {chain for chain in cache.chains() if not layers.has(chain)}
    if gone:
        cache.drop([r for r in cache.records() if r.chain in gone])
    images.keep(cache.chains())
    return cache


def prepare(builder: Builder) -> None:
    """Folders; what a crash left in them goes."""
    for folder in (builder.root, builder.spool, builder.mounts):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = builder.scratch
    if scratch.exists():
        for folder in scratch.iterdir():
            try:
                mount.umount(str(folder), mount.MNT_DETACH)
            except OSError:
                pass  # not mounted any more
            shutil.rmtree(folder, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in builder.spool.iterdir():
        shutil.rmtree(folder, ignore_errors=True)
