"""What every foreign store gives: images whose layers come as archives."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from orlop.errors import SystemFailure
from orlop.oci.digest import DiffID
from orlop.oci.reference import Reference
from orlop.paths import Root
from orlop.storage.tarsplit import assemble

_MAX_DOCUMENT = 64 << 20
_MAX_SPLIT = 4 << 30
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class ForeignLayer:
    diff_id: DiffID
    exact: bool  # the archive is the one it came from; else its digest is a new one
    archive: Callable[[], Iterator[bytes]]  # SystemFailure when it is damaged


@dataclass(frozen=True, slots=True)
class ForeignImage:
    id: str  # sha256:…
    names: tuple[Reference, ...]
    config: Callable[[], bytes]  # OSError, SystemFailure
    layers: Callable[[], tuple[ForeignLayer, ...]]  # bottom first; SystemFailure


class Store(Protocol):
    def images(self) -> Iterator[ForeignImage]: ...


def read(root: Root, path: str, limit: int = _MAX_DOCUMENT) -> bytes:
    """A regular file of the store. Raises SystemFailure, OSError."""
    with open(_regular(root, path, limit), "rb") as file:
        return file.read(limit + 1)


def _regular(root: Root, path: str, limit: int) -> int:
    fd = root.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        os.close(fd)
        raise SystemFailure(f"{path} of the store is no ordinary file, or too large")
    return fd


def document(root: Root, path: str, kind: Any) -> Any:
    """A JSON file, [] or {} when there is none. Raises SystemFailure."""
    try:
        return msgspec.json.decode(read(root, path), type=kind)
    except FileNotFoundError:
        return msgspec.json.decode(b"null", type=kind | None)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SystemFailure(f"{path} of the store is damaged: {error}") from None


def directory(root: Root, path: str) -> Root:
    """A tree of the store, its links resolved inside the store. Raises SystemFailure."""
    try:
        fd = root.open(path, _DIRECTORY)
    except OSError as error:
        raise SystemFailure(f"{path} of the store: {error.strerror}") from None
    try:
        return Root(fd)
    finally:
        os.close(fd)


def rebuilt(root: Root, split: str, tree: str) -> Iterator[bytes]:
    """A layer's archive from its tar-split data and its tree. Raises SystemFailure, OSError."""
    fd = _regular(root, split, _MAX_SPLIT)
    try:
        with directory(root, tree) as files:
            yield from assemble(f"/proc/self/fd/{fd}", files)
    finally:
        os.close(fd)
