"""A data root of dockerd with graph drivers: aufs, overlay (v1), overlay2, vfs, btrfs.

    image/<driver>/{repositories.json,imagedb/content/sha256/<id>}
    image/<driver>/layerdb/sha256/<chain>/{cache-id,diff,tar-split.json.gz}

A layer's archive is rebuilt from its tar-split data. Where that was never written, aufs and overlay
(v1) layers are packed anew from their files, and get another digest.

Source: moby's aufs driver (`.wh.` names in diff/<id>); its overlay driver (root/<id>: all files of
the stack, hard links to those below).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack

from orlop.errors import OrlopError, SystemFailure
from orlop.image.foreign.store import (
    ForeignImage,
    ForeignLayer,
    directory,
    document,
    read,
    rebuilt,
)
from orlop.image.model import chains_of
from orlop.oci.digest import ChainID, DiffID, digest_of, hex_of
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.manifest import MAX_CONFIG
from orlop.oci.reference import Reference, parse_normalized
from orlop.paths import Root
from orlop.storage.changes import ADDED, DELETED, Change, differs
from orlop.storage.diff import diff_tar
from orlop.storage.recordfile import TREE, nothing

TREES = {
    "aufs": "aufs/diff/{}",
    "overlay": "overlay/{}/root",
    "overlay2": "overlay2/{}/diff",
    "fuse-overlayfs": "fuse-overlayfs/{}/diff",
    "vfs": "vfs/dir/{}",
    "btrfs": "btrfs/subvolumes/{}",
}
_WHITEOUT, _AUFS, _OPAQUE = ".wh.", ".wh..wh.", ".wh..wh..opq"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 400  # levels; a frame and two descriptors each


class DockerStore:
    def __init__(self, root: Root, driver: str) -> None:
        """Raises SystemFailure when its names cannot be read."""
        self._root = root
        self._driver = driver
        self._top = f"image/{driver}"
        kept = document(
            root, f"{self._top}/repositories.json", dict[str, dict[str, dict[str, str]] | None]
        )
        self._names: dict[str, list[Reference]] = {}
        for entries in ((kept or {}).get("Repositories") or {}).values():
            for text, id in entries.items():
                try:
                    self._names.setdefault(id, []).append(parse_normalized(text))
                except OrlopError:
                    continue

    def images(self) -> Iterator[ForeignImage]:
        try:
            found = self._root.names(f"{self._top}/imagedb/content/sha256")
        except FileNotFoundError:
            return
        for name in sorted(os.fsdecode(each) for each in found):
            if TREE.fullmatch(name) and len(name) == 64:
                id = f"sha256:{name}"
                yield ForeignImage(
                    id,
                    tuple(self._names.get(id, ())),
                    lambda name=name: self._config(name),  # type: ignore[misc]
                    lambda name=name: self._layers(name),  # type: ignore[misc]
                )

    def _config(self, name: str) -> bytes:
        raw = read(self._root, f"{self._top}/imagedb/content/sha256/{name}", MAX_CONFIG)
        if digest_of(raw) != f"sha256:{name}":
            raise SystemFailure("its config does not match its digest")
        return raw

    def _layers(self, name: str) -> tuple[ForeignLayer, ...]:
        diffs = diff_ids(parse_config(self._config(name)))
        chains = chains_of(diffs)
        below: tuple[ChainID | None, ...] = (None, *chains)
        return tuple(map(self._layer, diffs, chains, below))

    def _layer(self, diff: DiffID, chain: ChainID, parent: ChainID | None) -> ForeignLayer:
        record = f"{self._top}/layerdb/sha256/{hex_of(chain)}"
        tree = self._place(chain)
        split = f"{record}/tar-split.json.gz"
        if self._root.exists(split):
            return ForeignLayer(diff, True, lambda: rebuilt(self._root, split, tree))
        if self._driver == "aufs":
            return ForeignLayer(diff, False, lambda: _aufs(self._root, tree))
        if self._driver == "overlay":
            lower = self._place(parent) if parent is not None else ""
            return ForeignLayer(diff, False, lambda: _overlay(self._root, tree, lower))
        raise SystemFailure(f"layer {chain} has no tar-split data")

    def _place(self, chain: ChainID) -> str:
        path = f"{self._top}/layerdb/sha256/{hex_of(chain)}/cache-id"
        try:
            id = read(self._root, path, 256).decode("ascii", "replace").strip()
        except FileNotFoundError:
            raise SystemFailure(f"its layer {chain} is missing") from None
        if not TREE.fullmatch(id):
            raise SystemFailure(f"{path} of the store is damaged")
        return TREES[self._driver].format(id)


def _aufs(root: Root, tree: str) -> Iterator[bytes]:
    with directory(root, tree) as files:
        found: list[Change] = []
        top = files.directory("/")
        try:
            _walk(top, "", found)
        finally:
            os.close(top)
        yield from diff_tar(files, sorted(found))


def _walk(at: int, path: str, found: list[Change]) -> None:
    """aufs writes what is gone as layer archives do; `.wh..wh.` is its own, but for one name."""
    _not_too_deep(path)
    for name in os.listdir(at):
        if name.startswith(_AUFS) and name != _OPAQUE:
            continue
        if name.startswith(_WHITEOUT):
            found.append(Change(f"{path}/{name[len(_WHITEOUT) :]}", DELETED))
            continue
        found.append(Change(f"{path}/{name}", ADDED))
        if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            inner = os.open(name, _OPEN, dir_fd=at)
            try:
                _walk(inner, f"{path}/{name}", found)
            finally:
                os.close(inner)


def _overlay(root: Root, tree: str, lower: str) -> Iterator[bytes]:
    with directory(root, tree) as files, ExitStack() as opened:
        found: list[Change] = []
        if lower:
            with directory(root, lower) as under:
                below = under.directory("/")
        else:
            below = nothing()
        opened.callback(os.close, below)
        above = files.directory("/")
        opened.callback(os.close, above)
        _against(above, below, "", found)
        yield from diff_tar(files, sorted(found))


def _against(above: int, below: int, path: str, found: list[Change]) -> None:
    """Times tell nothing here (archives round them): a file is the lower layer's or it is not."""
    _not_too_deep(path)
    names, lower = set(os.listdir(above)), set(os.listdir(below))
    found.extend(Change(f"{path}/{name}", DELETED) for name in lower - names)
    for name in names:
        now = os.stat(name, dir_fd=above, follow_symlinks=False)
        old = os.stat(name, dir_fd=below, follow_symlinks=False) if name in lower else None
        if stat.S_ISDIR(now.st_mode):
            before = len(found)
            with ExitStack() as opened:
                inner = os.open(name, _OPEN, dir_fd=above)
                opened.callback(os.close, inner)
                both = old is not None and stat.S_ISDIR(old.st_mode)
                under = os.open(name, _OPEN, dir_fd=below) if both else nothing()
                opened.callback(os.close, under)
                _against(inner, under, f"{path}/{name}", found)
            changed = len(found) > before or old is None or differs(now, old)
        elif stat.S_ISREG(now.st_mode):
            changed = old is None or (now.st_dev, now.st_ino) != (old.st_dev, old.st_ino)
        else:  # copied, as links and devices were
            changed = old is None or differs(now, old) or _text(above, name) != _text(below, name)
        if changed:
            found.append(Change(f"{path}/{name}", ADDED))


def _not_too_deep(path: str) -> None:
    if path.count("/") > _DEEPEST:
        raise SystemFailure(f"directory tree too deep to import: {path[:100]!r}")


def _text(directory: int, name: str) -> str:
    """Of a symbolic link."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return ""
