"""Choose the storage driver: the one asked for, else the best that works on this data root."""

from __future__ import annotations

from pathlib import Path

from orlop.errors import InvalidArgument
from orlop.storage.driver import Driver
from orlop.storage.drivers.overlay2 import Overlay2

# What kernels or Docker dropped, and what took its place.
_REPLACED = {
    "aufs": "overlay2",
    "overlay": "overlay2",
    "devicemapper": "overlay2",
}
_NAMES = ("overlay2",)


def choose(name: str, data_root: Path) -> Driver:
    """Raises InvalidArgument for an unknown name, SystemFailure when it cannot work here."""
    if name in _REPLACED:
        raise InvalidArgument(
            f"storage driver {name} is gone: kernels and Docker dropped it; "
            f"use {_REPLACED[name]} and pull or load the images again"
        )
    if name and name not in _NAMES:
        raise InvalidArgument(
            f"storage driver {name} is not supported; supported: {', '.join(_NAMES)}"
        )
    return Overlay2(data_root / "overlay2")
