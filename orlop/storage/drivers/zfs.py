"""zfs: every layer a dataset, a clone of the one below. Needs a data root on ZFS, and `zfs`.

    <dataset of the data root>/<name in the file `dataset`>/<id>   mounted on <home>/graph/<id>

Works on OpenZFS and zfs-fuse. Source: zfs(8), zfsprops(7); Docker, "Use the ZFS storage driver".
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from orlop.errors import SystemFailure
from orlop.kernel import mountinfo
from orlop.paths import Root
from orlop.storage.driver import Pause
from orlop.storage.drivers.backing import backing_filesystem, nearest
from orlop.storage.drivers.whole import WholeTrees
from orlop.storage.recordfile import put, text

log = logging.getLogger(__name__)

_KINDS = ("zfs", "fuse.zfs")
_BEST = ("xattr=sa", "acltype=posixacl")  # zfs-fuse has neither
_PATIENCE = 10.0  # seconds; zfs-fuse ends a filesystem some time after its unmount


class Zfs(WholeTrees):
    name = "zfs"
    folder = "graph"

    def __init__(self, home: Path) -> None:
        """Mounts the layers. Raises SystemFailure when `home` is not on ZFS."""
        found = backing_filesystem(nearest(home))
        if found not in _KINDS:
            raise SystemFailure(
                f"storage driver zfs is not supported on {home}: the filesystem is {found}; "
                "put --data-root on zfs, or use overlay2"
            )
        if shutil.which("zfs") is None:
            raise SystemFailure("storage driver zfs needs the program zfs; install zfsutils-linux")
        layers = home.parent / "image" / self.name / "layerdb" / "sha256"
        if not (home / "dataset").exists() and any(layers.glob("*")):
            raise SystemFailure(
                f"{home.parent} has layers of another engine's zfs driver, which are not taken "
                "over: save its images there and load them into a data root of their own"
            )
        below = mountinfo.under(os.path.realpath(nearest(home)))
        assert below is not None
        super().__init__(home)
        name = text(home / "dataset")
        if not name:
            name = f"orlop-{secrets.token_hex(4)}"
            put(home / "dataset", name)
        self._base = f"{below.source}/{name}"
        self._open()

    def _open(self) -> None:
        try:
            rows = _zfs("list", "-H", "-r", "-d", "1", "-t", "filesystem", "-o", "name", self._base)
        except SystemFailure:
            self._make_base()
            rows = ""
        known = {row.rpartition("/")[2] for row in rows.split("\n") if row.count("/") > self._depth}
        for id in sorted(known):
            if not os.path.ismount(self.tree(id)):
                self._clear_place(id)
                _zfs("mount", self._dataset(id))
        with Root(self._trees) as trees:
            for entry in list(os.scandir(self._trees)):
                if entry.name not in known and not os.path.ismount(entry.path):
                    trees.rmtree(entry.name)  # the place of one that a crash took

    def _clear_place(self, id: str) -> None:
        """zfs mounts on empty directories only. What lies there was written past the dataset:
        it is kept for who wants to look, for nothing tells what it is."""
        place = self.tree(id)
        if place.is_dir() and os.listdir(place):
            aside = self.home / f"left-{id[:12]}-{secrets.token_hex(4)}"
            place.rename(aside)
            log.warning("%s held files of no dataset; they are in %s now", place, aside)

    @property
    def _depth(self) -> int:
        return self._base.count("/")

    def _make_base(self) -> None:
        options = ["-o", "canmount=off", "-o", "atime=off"]
        best = [part for option in _BEST for part in ("-o", option)]
        try:
            _zfs("create", *options, *best, self._base)
        except SystemFailure:
            _zfs("create", *options, self._base)

    def _dataset(self, id: str) -> str:
        return f"{self._base}/{id}"

    def create(self, id: str) -> Path:
        tree = self.tree(id)
        _zfs("create", "-o", "canmount=on", "-o", f"mountpoint={tree}", self._dataset(id))
        tree.chmod(0o755)
        return tree

    def attach(self, id: str, parent: str) -> None:
        difference = f"{id}-diff"  # an orphan to sweep, should we not come to the end
        used = bool(os.listdir(self.tree(id)))
        if used:
            _zfs("unmount", self._dataset(id))
            _patiently("rename", self._dataset(id), self._dataset(difference))
            _zfs("set", f"mountpoint={self.tree(difference)}", self._dataset(difference))
            if not os.path.ismount(self.tree(difference)):
                _zfs("mount", self._dataset(difference))
        else:
            self.remove(id)
        snapshot = f"{self._dataset(parent)}@{id}"
        _zfs("snapshot", snapshot)
        _zfs("clone", "-o", f"mountpoint={self.tree(id)}", snapshot, self._dataset(id))
        _zfs("destroy", "-d", snapshot)  # it goes with the clone
        if used:
            self._lay_over(difference, id)

    def all(self) -> list[str]:
        return [entry.name for entry in os.scandir(self._trees) if os.path.ismount(entry.path)]

    def remove(self, id: str, pause: Pause | None = None) -> None:
        if self.exists(id):
            self._destroy(id)
            # zfs-fuse leaves the mount point
            if self.exists(id):
                self.tree(id).rmdir()

    def _destroy(self, id: str) -> None:
        try:
            _patiently("destroy", "-r", self._dataset(id))
        except SystemFailure as error:
            if "does not exist" not in error.message:
                raise

    def sync(self) -> None:
        """A snapshot waits for what was written before it, in all datasets of the pool."""
        name = f"{self._base}@sync-{secrets.token_hex(4)}"
        _zfs("snapshot", name)
        _zfs("destroy", name)

    def leave(self) -> None:
        for id in self.all():
            _zfs("unmount", self._dataset(id))

    def status(self) -> list[tuple[str, str]]:
        wanted = "used,available,compression"
        rows = _zfs("get", "-H", "-p", "-o", "value", wanted, self._base).split("\n")
        return [
            ("Parent Dataset", self._base),
            ("Space Used By Parent", rows[0]),
            ("Space Available", rows[1]),
            ("Compression", rows[2]),
        ]

    def data(self, id: str) -> dict[str, str]:
        return {"Dataset": self._dataset(id), "Mountpoint": str(self.tree(id))}


def _patiently(*words: str) -> str:
    """Again while it is busy: nothing tells when the end of a mount is over."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return _zfs(*words)
        except SystemFailure as error:
            if "busy" not in error.message or time.monotonic() > end:
                raise
        time.sleep(0.02)


def _zfs(*words: str) -> str:
    """Raises SystemFailure with what `zfs` said."""
    environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/sbin:/usr/bin:/bin"), "LC_ALL": "C"}
    done = subprocess.run(
        ["zfs", *words], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise SystemFailure(f"zfs {words[0]}: {said}")
    return done.stdout.strip()
