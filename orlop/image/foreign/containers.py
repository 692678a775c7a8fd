"""containers-storage, as Podman, Buildah, Skopeo and CRI-O keep it.

    <driver>-images/images.json                 [{id, names, layer, digest}]
    <driver>-images/<id>/=<base64 of a key>     the config under the key sha256:<id>
    <driver>-layers/{,volatile-}layers.json     [{id, parent, diff-digest}]
    <driver>-layers/<id>.tar-split.gz           overlay/<id>/diff, vfs/dir/<id>

Source: github.com/containers/storage, docs/containers-storage*.md (what the files hold).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import msgspec

from orlop.errors import OrlopError, SystemFailure
from orlop.image.foreign.store import ForeignImage, ForeignLayer, document, read, rebuilt
from orlop.oci.digest import digest_of
from orlop.oci.image import diff_ids, parse_config
from orlop.oci.manifest import MAX_CONFIG
from orlop.oci.reference import Reference, parse_normalized
from orlop.paths import Root

TREES = {"overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}  # drivers whose layers are directories
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_DEPTH = 1000


class _Image(msgspec.Struct):
    id: str
    layer: str = ""
    names: list[str] | None = None


class _Layer(msgspec.Struct):
    id: str
    parent: str = ""


class ContainersStorage:
    def __init__(self, root: Root, driver: str) -> None:
        """Raises SystemFailure when its records cannot be read."""
        self._root = root
        self._driver = driver
        self._tree = TREES[driver]
        self._images: list[_Image] = document(root, f"{driver}-images/images.json", list[_Image])
        self._parents: dict[str, str] = {}
        for name in ("layers.json", "volatile-layers.json"):
            rows = document(root, f"{driver}-layers/{name}", list[_Layer]) or ()
            self._parents.update((row.id, row.parent) for row in rows)

    def images(self) -> Iterator[ForeignImage]:
        for row in self._images or ():
            if _HEX.fullmatch(row.id):
                names = tuple(name for text in row.names or () for name in _name(text))
                yield ForeignImage(
                    f"sha256:{row.id}",
                    names,
                    lambda row=row: self._config(row.id),  # type: ignore[misc]
                    lambda row=row: self._layers(row),  # type: ignore[misc]
                )

    def _config(self, id: str) -> bytes:
        key = base64.b64encode(f"sha256:{id}".encode()).decode()
        try:
            raw = read(self._root, f"{self._driver}-images/{id}/={key}", MAX_CONFIG)
        except FileNotFoundError:
            raise SystemFailure("it has no config: a list of platforms, or an old form") from None
        if digest_of(raw) != f"sha256:{id}":
            raise SystemFailure("its config does not match its digest")
        return raw

    def _layers(self, image: _Image) -> tuple[ForeignLayer, ...]:
        stack: list[str] = []
        layer = image.layer
        while layer:
            if not _HEX.fullmatch(layer) or layer not in self._parents:
                raise SystemFailure(f"its layer {layer[:64]!r} is missing")
            if len(stack) >= _MAX_DEPTH:
                raise SystemFailure("its layers go in a circle")
            stack.append(layer)
            layer = self._parents[layer]
        diffs = diff_ids(parse_config(self._config(image.id)))
        if len(diffs) != len(stack):
            raise SystemFailure(f"it has {len(stack)} layers and names {len(diffs)}")
        return tuple(
            ForeignLayer(diff, True, lambda id=id: self._archive(id))  # type: ignore[misc]
            for diff, id in zip(diffs, reversed(stack))
        )

    def _archive(self, id: str) -> Iterator[bytes]:
        split = f"{self._driver}-layers/{id}.tar-split.gz"
        try:
            yield from rebuilt(self._root, split, self._tree.format(id))
        except FileNotFoundError as error:
            raise SystemFailure(
                f"layer {id[:12]} has no tar-split data, so its archive cannot be rebuilt"
            ) from error


def _name(text: str) -> Iterator[Reference]:
    try:
        yield parse_normalized(text)
    except OrlopError:
        return
