from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orlop.errors import InvalidArgument, SystemFailure
from orlop.storage import choose as choosing
from orlop.storage.choose import choose
from orlop.storage.drivers.vfs import Vfs


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host on which vfs alone works."""

    def refuse(home: Path) -> Any:
        home.mkdir()
        raise SystemFailure(f"{home.name} does not work")

    for name in ("overlay2", "fuse-overlayfs", "btrfs", "zfs"):
        monkeypatch.setitem(choosing._DRIVERS, name, refuse)


@pytest.mark.usefixtures("broken")
def test_the_first_that_works_and_why(tmp_path: Path) -> None:
    choice = choose("", tmp_path)
    assert choice.driver.name == "vfs"
    assert "overlay2 does not work" in choice.reason
    assert [p.name for p in tmp_path.iterdir()] == ["vfs"]


@pytest.mark.usefixtures("broken")
def test_one_that_is_asked_for_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match="btrfs does not work"):
        choose("btrfs", tmp_path)


def test_the_driver_of_the_data_root_stays(tmp_path: Path) -> None:
    (tmp_path / "image/vfs/layerdb/sha256/0123").mkdir(parents=True)
    assert isinstance(choose("", tmp_path).driver, Vfs)


def test_two_drivers_in_one_data_root(tmp_path: Path) -> None:
    for name in ("vfs", "btrfs"):
        (tmp_path / f"image/{name}/layerdb/sha256/0123").mkdir(parents=True)
    with pytest.raises(InvalidArgument, match="contains several valid graphdrivers: btrfs, vfs"):
        choose("", tmp_path)


@pytest.mark.parametrize("name", ["aufs", "overlay", "devicemapper"])
def test_a_driver_that_is_gone_names_its_heir(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"use overlay2"):
        choose(name, tmp_path)


def test_an_unknown_driver(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="storage driver x is not supported; supported: ove"):
        choose("x", tmp_path)


def test_layers_of_dockers_zfs_driver_are_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are datasets of other names: all images would be listed as damaged."""
    monkeypatch.setattr("orlop.storage.drivers.zfs.backing_filesystem", lambda _: "zfs")
    monkeypatch.setattr("shutil.which", lambda _: "/sbin/zfs")
    (tmp_path / "image/zfs/layerdb/sha256/0123").mkdir(parents=True)
    with pytest.raises(SystemFailure, match="layers of another engine's zfs driver"):
        choose("zfs", tmp_path)
    assert not (tmp_path / "zfs").exists()
