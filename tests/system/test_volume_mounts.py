"""Volumes with mount options: the mount comes with the use and goes with the last user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.errors import SystemFailure
from orlop.events import Events
from orlop.kernel import mount as mounts
from orlop.volume import local
from orlop.volume.volumes import Volumes

pytestmark = pytest.mark.root


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[Volumes]:
    made = Volumes(tmp_path / "volumes", Events())
    yield made
    for volume in made.all():
        while local.is_mounted(volume):
            mounts.umount(str(volume.mountpoint), 2)


def test_tmpfs(volumes: Volumes) -> None:
    volume = volumes.create(
        "t1", "local", {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=0700,noexec"}
    )
    path = volumes.mount("t1", "a")
    assert volumes.mount("t1", "b") == path == volume.mountpoint
    assert os.statvfs(path).f_blocks * os.statvfs(path).f_frsize == 1 << 20
    assert os.statvfs(path).f_flag & os.ST_NOEXEC
    volumes.unmount("t1", "a")
    assert local.is_mounted(volume)
    volumes.unmount("t1", "b")
    assert not local.is_mounted(volume)


def test_read_only_bind(volumes: Volumes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("here")
    volume = volumes.create("b1", "local", {"type": "none", "device": str(source), "o": "bind,ro"})
    path = volumes.mountpoint("b1")
    assert (path / "file").read_text() == "here"
    with pytest.raises(OSError):
        (path / "other").touch()
    volumes.remove("b1")
    assert (source / "file").exists()  # unmounted before it was removed
    assert not volume.path.exists()


def test_a_source_that_is_missing(volumes: Volumes) -> None:
    volume = volumes.create("b2", "local", {"type": "none", "device": "/nosuch", "o": "bind"})
    with pytest.raises(SystemFailure) as caught:
        volumes.mountpoint("b2")
    target = volume.mountpoint
    assert caught.value.message == (
        f"error while mounting volume '{target}': failed to mount local volume: "
        f"mount /nosuch:{target}, flags: 0x1000: no such file or directory"
    )
