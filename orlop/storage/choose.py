"""Choose the storage driver: the one asked for, the one this data root has, else the best that
works here (Docker's order)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orlop.errors import InvalidArgument, SystemFailure
from orlop.storage.driver import Driver
from orlop.storage.drivers.btrfs import Btrfs
from orlop.storage.drivers.fuse_overlayfs import FuseOverlayfs
from orlop.storage.drivers.overlay2 import Overlay2
from orlop.storage.drivers.vfs import Vfs
from orlop.storage.drivers.zfs import Zfs

# What kernels or Docker dropped, and what took its place.
_REPLACED = {
    "aufs": "overlay2",
    "overlay": "overlay2",
    "devicemapper": "overlay2",
}
_DRIVERS: dict[str, Callable[[Path], Driver]] = {
    "overlay2": Overlay2,
    "fuse-overlayfs": FuseOverlayfs,
    "btrfs": Btrfs,
    "zfs": Zfs,
    "vfs": Vfs,
}


@dataclass(frozen=True, slots=True)
class Choice:
    driver: Driver
    reason: str  # one line for the log and for `info`


def choose(name: str, data_root: Path) -> Choice:
    """Raises InvalidArgument for an unknown name, SystemFailure when none can work here."""
    if name in _REPLACED:
        raise InvalidArgument(
            f"storage driver {name} is gone: kernels and Docker dropped it; "
            f"use {_REPLACED[name]}, and bring the images along by orlop system import or pull"
        )
    if name and name not in _DRIVERS:
        raise InvalidArgument(
            f"storage driver {name} is not supported; supported: {', '.join(_DRIVERS)}"
        )
    if name:
        return Choice(_open(name, data_root), "asked for")
    prior = _prior(data_root)
    if len(prior) > 1:
        raise InvalidArgument(
            f"{data_root} contains several valid graphdrivers: {', '.join(prior)}; "
            "cleanup or explicitly choose storage driver (--storage-driver <DRIVER>)"
        )
    if prior:
        return Choice(_open(prior[0], data_root), "this data root has it")
    return _probe(data_root)


def _open(name: str, data_root: Path) -> Driver:
    return _DRIVERS[name](data_root / name)


def _prior(data_root: Path) -> list[str]:
    """Drivers that have layers in this data root."""
    return [
        name
        for name in _DRIVERS
        if any((data_root / "image" / name / "layerdb" / "sha256").glob("*"))
    ]


def _probe(data_root: Path) -> Choice:
    refused: list[str] = []
    for name in _DRIVERS:
        existed = (data_root / name).exists()
        try:
            return Choice(_open(name, data_root), "; ".join([*refused, "the first that works"]))
        except SystemFailure as error:
            refused.append(error.message)
            if not existed:
                _discard(data_root / name)
    raise SystemFailure(f"no storage driver works on {data_root}: {'; '.join(refused)}")


def _discard(home: Path) -> None:
    """The empty directories of a driver that does not work here."""
    for path in (home / "l", home):
        try:
            path.rmdir()
        except OSError:
            pass
