"""A store of layers on each storage driver, for one test."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orlop.kernel import mountinfo
from orlop.storage.driver import Driver
from orlop.storage.drivers.btrfs import Btrfs
from orlop.storage.drivers.fuse_overlayfs import FuseOverlayfs
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.drivers.vfs import Vfs
from orlop.storage.drivers.zfs import Zfs


class OldOverlay2(Overlay2):
    """As on a kernel before 6.5, which takes lower layers in one text only."""

    def _probe(self) -> None:
        super()._probe()
        self._one_by_one = False


DRIVERS: dict[str, Callable[[Path], Driver]] = {
    "overlay2": Overlay2,
    "old-overlay2": OldOverlay2,
    "fuse-overlayfs": FuseOverlayfs,
    "btrfs": Btrfs,
    "vfs": Vfs,
    "zfs": Zfs,
}
# name of the case: driver and filesystem under it ("" the one of the tests' directory)
CASES = {
    "overlay2": ("overlay2", ""),
    "overlay2-old-kernel": ("old-overlay2", ""),
    "fuse-overlayfs": ("fuse-overlayfs", ""),
    "vfs": ("vfs", ""),
    "vfs-shared-blocks": ("vfs", "btrfs"),
    "btrfs": ("btrfs", "btrfs"),
    "zfs": ("zfs", "zfs"),
}


@contextmanager
def filesystem(kind: str, scratch: Path) -> Iterator[Path]:
    """A directory on a filesystem of this kind, in a loop file."""
    where = scratch / "fs"
    where.mkdir()
    if not kind:
        yield where
        return
    image = scratch / "image"
    with image.open("wb") as file:
        os.truncate(file.fileno(), 256 << 20)
    if kind == "zfs":
        with _pool(image, where):
            yield where
        return
    subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


@contextmanager
def _pool(image: Path, where: Path) -> Iterator[None]:
    """By zfs-fuse, which needs no kernel module. One at a time: its socket has a fixed name."""
    if shutil.which("zfs-fuse") is None:
        pytest.skip("this distribution has no zfs-fuse")
    os.makedirs("/etc/zfs", exist_ok=True)
    with open("/run/orlop-test-zfs.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        daemon = subprocess.Popen(["zfs-fuse", "--no-daemon", "--no-kstat-mount", "--enable-xattr"])
        try:
            name = f"orlop{os.getpid()}"
            _answers(
                ["zpool", "create", "-o", "cachefile=none", "-m", str(where), name, str(image)],
                daemon,
            )
            yield
        finally:  # a proper end of the pool takes seconds
            daemon.kill()
            daemon.wait()
            points = [m.point for m in mountinfo.mounts() if m.kind == "fuse.zfs"]
            for point in points:
                subprocess.run(["umount", "-l", point], check=True)


def _answers(command: list[str], daemon: subprocess.Popen[bytes]) -> None:
    """Once it has its socket, which it does not tell."""
    while True:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return
        assert daemon.poll() is None
        assert "connect:" in done.stderr, done.stderr


def archive(*members: tuple[str, str | bytes | None]) -> bytes:
    """(name, content): None a directory, "->x" a link, "=x" a hard link, else a file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1_600_000_000
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            elif isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content.removeprefix("->").removeprefix("=")
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
