"""The noun: every volume of this data root and which containers refer to it.

A volume is its directory; labels (and options, once more) rest in `<data-root>/orlop/volumes/`.
References are counted by container ID: the container room acquires at create and releases at
removal; `references` tells, once and when first needed, what earlier daemons' containers hold.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orlop import files, paths
from orlop.errors import NotFound, OrlopError
from orlop.events import Events
from orlop.volume import local
from orlop.volume.model import Volume

log = logging.getLogger(__name__)

# How the directories begin that are no volume yet or any more: no name of a volume does.
STAGING, LEAVING = "_new-", "_gone-"


@dataclass(eq=False, slots=True)
class Volumes:
    root: Path
    events: Events
    references: Callable[[], Iterable[tuple[str, str]]] | None = None  # (volume, container ID)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _volumes: dict[str, Volume] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)
    _mounts: dict[str, set[str]] = field(default_factory=dict)  # who runs with it mounted
    _loaded: bool = False

    @property
    def records(self) -> Path:
        return self.root.parent / "orlop" / "volumes"

    def all(self) -> list[Volume]:
        """By name."""
        with self.lock:
            self._load()
            return [self._volumes[name] for name in sorted(self._volumes)]

    def find(self, name: str) -> Volume | None:
        with self.lock:
            self._load()
            return self._volumes.get(name)

    def get(self, name: str) -> Volume:
        """Raises NotFound with Docker's text."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"get {name}: no such volume")
        return found

    def is_foreign(self, name: str) -> bool:
        """Its files are not below our root but where its mount options say."""
        return local.has_mount(self.get(name).options)

    def mountpoint(self, name: str) -> Path:
        """Its directory, ready to use: a volume with mount options is mounted first."""
        with self.lock:
            volume = self.get(name)
            if local.has_mount(volume.options) and not local.is_mounted(volume):
                local.mount(volume)
            return volume.mountpoint

    def mount(self, name: str, container_id: str) -> Path:
        """`mountpoint` for a container that is about to run."""
        with self.lock:
            path = self.mountpoint(name)
            self._mounts.setdefault(name, set()).add(container_id)
            return path

    def unmount(self, name: str, container_id: str) -> None:
        """The container ended; the last one takes the mount with it."""
        with self.lock:
            holders = self._mounts.get(name)
            if holders is None:
                return
            holders.discard(container_id)
            if not holders:
                del self._mounts[name]
                self._unmount(name)

    def _unmount(self, name: str) -> None:
        volume = self._volumes.get(name)
        if volume is not None and local.has_mount(volume.options) and local.is_mounted(volume):
            local.unmount(volume)

    # --- references

    def acquire(self, name: str, container_id: str) -> None:
        """A container refers to it: it cannot be removed. Raises NotFound."""
        with self.lock:
            self.get(name)
            self._users.setdefault(name, set()).add(container_id)

    def release(self, name: str, container_id: str) -> None:
        """Idempotent."""
        with self.lock:
            self._restore()
            users = self._users.get(name)
            if users is not None:
                users.discard(container_id)
                if not users:
                    del self._users[name]
            self.unmount(name, container_id)
            if name in self._volumes and name not in self._mounts and not self.users(name):
                self._unmount(name)

    def users(self, name: str) -> list[str]:
        """IDs of the containers that refer to it."""
        with self.lock:
            self._restore()
            return sorted(self._users.get(name, ()))

    def _restore(self) -> None:
        references, self.references = self.references, None
        for name, container_id in references() if references is not None else ():
            self._users.setdefault(name, set()).add(container_id)

    # --- changes

    def create(
        self,
        name: str | None = None,
        driver: str = "local",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        from orlop.volume.create import create

        return create(self, name, driver, options or {}, labels or {})

    def remove(self, name: str, *, force: bool = False) -> None:
        from orlop.volume.remove import remove

        remove(self, name, force=force)

    def add(self, volume: Volume) -> None:
        self._volumes[volume.name] = volume

    def discard(self, name: str) -> None:
        self._volumes.pop(name, None)

    def write_record(self, volume: Volume, *, durable: bool) -> None:
        """Labels and the driver's options; a volume without either needs none."""
        record = self.records / f"{volume.name}.json"
        if volume.labels is None and not volume.options:
            record.unlink(missing_ok=True)  # of one that a crash took half away
            return
        self.records.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {
            "Name": volume.name,
            "Driver": volume.driver,
            "Labels": volume.labels,
            "Options": volume.options,
        }
        data = json.dumps(document).encode()
        files.write_atomic(record, data, durable=durable)

    def _load(self) -> None:
        """Once: the directories, with what the records say of them."""
        if self._loaded:
            return
        try:
            with os.scandir(self.root) as entries:
                names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            names = []
        self._sweep(names)
        for name in names:
            try:
                local.check_name(name)
            except OrlopError:
                continue  # nothing of ours has such a name
            path = self.root / name
            if (path / "_data").is_dir():
                self._volumes[name] = self._read(path)
        self._loaded = True

    def _sweep(self, names: list[str]) -> None:
        """What a crash left of a create or a remove; `names`: the directories below the root."""
        if not names:  # their disk may not be mounted yet: the records are all there is of them
            return
        try:
            with paths.Root(self.root) as root:
                for name in names:
                    if name.startswith((STAGING, LEAVING)):
                        root.rmtree(name)
            for record in self.records.glob("*.json"):
                if record.name.removesuffix(".json") not in names:
                    record.unlink()  # else the next volume of this name would get its options
        except OSError as error:
            log.warning("left-overs of volumes stay: %s", error)

    def _read(self, path: Path) -> Volume:
        labels, options = None, None
        try:
            record: dict[str, Any] = json.loads((self.records / f"{path.name}.json").read_bytes())
            labels, options = record.get("Labels"), record.get("Options") or {}
        except FileNotFoundError:
            pass
        except (ValueError, AttributeError) as error:
            # its labels are lost; its data and, in Docker's own file, its options are not
            log.error("damaged record of volume %s: %s", path.name, error)
        if options is None:
            options = local.options_of(path)
        return Volume(path.name, path, created_at(path), "local", labels, options)


def created_at(path: Path) -> str:
    """When the directory was made: nothing changes it afterwards."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(path.stat().st_ctime))


def anonymous_name() -> str:
    return secrets.token_hex(32)
