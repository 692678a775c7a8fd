"""`system import`: images out of another engine's store, or an archive that lies on this host.

The foreign store is only read. Every layer is unpacked anew into this store's driver and checked
against its diff ID; an image keeps its ID unless a layer's archive could not be rebuilt exactly.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.image.foreign.open_store import open_store
from orlop.image.foreign.store import ForeignImage, ForeignLayer, Store
from orlop.image.images import Images
from orlop.image.load import load, name_loaded
from orlop.image.model import Image, chains_of
from orlop.image.notify import notify
from orlop.image.staging import Stack, missing_from, reader, stage_file
from orlop.image.stream import Emit, stream
from orlop.oci.digest import DiffID
from orlop.oci.image import diff_ids, parse_config
from orlop.paths import Root
from orlop.registry.blobs import Cancelled
from orlop.storage.pack import pack


def bring(
    images: Images, path: str, wanted: Sequence[str] = (), *, quiet: bool = False
) -> Iterator[dict[str, Any]]:
    """Messages as those of `load`. `wanted`: names or IDs; all when there are none.

    Raises InvalidArgument, NotFound at once; at the end SystemFailure when an image was left out.
    """
    if not path.startswith("/"):
        raise InvalidArgument(f"{path[:100]!r} is not an absolute path")
    where = Path(path)
    if where.exists() and where.resolve() == images.config.data_root.resolve():
        raise InvalidArgument(f"{path} is this engine's own data root")
    opened = open_store(where)
    if opened is None:
        if wanted:
            raise InvalidArgument("of an archive or a layout all images are imported")
        return _loaded(images, where, quiet)

    def work(emit: Emit, cancel: threading.Event) -> None:
        with opened.root:
            _all(images, opened.stores, set(wanted), quiet, emit, cancel)

    return stream(work, "system-import")


def _loaded(images: Images, where: Path, quiet: bool) -> Iterator[dict[str, Any]]:
    if where.is_file():
        with where.open("rb") as file:
            yield from load(images, file, quiet=quiet)
        return
    with Root(where) as root:
        yield from load(images, reader(pack(root, "/", "")), quiet=quiet)


def _all(
    images: Images,
    stores: Sequence[Store],
    wanted: set[str],
    quiet: bool,
    emit: Emit,
    cancel: threading.Event,
) -> None:
    left: list[str] = []
    missing = set(wanted)
    for store in stores:
        for found in store.images():
            if cancel.is_set():
                raise Cancelled
            called = _called(found, wanted)
            missing -= called
            if wanted and not called:
                continue
            try:
                _one(images, found, quiet, emit)
            except (OSError, OrlopError) as error:
                left.append(found.id)
                text = getattr(error, "message", None) or str(error)
                emit({"stream": f"{_shown(found)} left out: {text}\n"})
    if missing:
        raise NotFound(f"No such image in the store: {', '.join(sorted(missing))}")
    if left:
        many = "1 image was" if len(left) == 1 else f"{len(left)} images were"
        raise SystemFailure(f"{many} left out")


def _called(found: ForeignImage, wanted: set[str]) -> set[str]:
    names = {text for n in found.names for text in (n.familiar, n.name, str(n))}
    names |= {n.familiar_name for n in found.names if n.tag == "latest"}
    digits = found.id.partition(":")[2]
    return {
        w
        for w in wanted
        if w in names or (len(w) >= 6 and digits.startswith(w.removeprefix("sha256:")))
    }


def _shown(found: ForeignImage) -> str:
    return next((n.familiar for n in found.names if n.tag), found.id[7:19])


def _one(images: Images, found: ForeignImage, quiet: bool, emit: Emit) -> None:
    raw = found.config()
    document = parse_config(raw)
    if document.get("os") not in (None, "", "linux"):
        raise SystemFailure(f"cannot load {document['os']} image on linux")
    image = _stacked(images, raw, found.layers(), quiet, emit)
    if image.id != found.id:
        emit({"stream": f"{_shown(found)} was packed anew: its ID is {image.id} now\n"})
    for name in found.names:
        if name.digest:
            if image.id == found.id:
                with suppress(Conflict), images.locked(image):  # the name is another image's here
                    images.references.set_digest(name, image.id)
            continue
        name_loaded(images, name, image, emit)
    if not any(name.tag for name in found.names):
        emit({"stream": f"Loaded image ID: {image.id}\n"})
    notify(images, "load", image, image.id, image.id)


def _stacked(
    images: Images, raw: bytes, layers: Sequence[ForeignLayer], quiet: bool, emit: Emit
) -> Image:
    exact = all(layer.exact for layer in layers)
    diffs = tuple(layer.diff_id for layer in layers)
    chains = chains_of(diffs)
    there = missing_from(images.layers, chains) if exact else 0
    with images.holding(chains), Stack(images, chains[there - 1] if there else None) as stack:
        todo = layers[there:]

        def stage(at: int) -> DiffID:
            layer = todo[at]
            expect = layer.diff_id if layer.exact else None
            staged = stage_file(images.layers, reader(layer.archive()), expect, there + at)
            stack.put(at, staged)
            if not quiet:
                emit({"id": staged.diff_id[7:19], "status": "Imported layer"})
            return staged.diff_id

        with ThreadPoolExecutor(max(2, os.cpu_count() or 2), "import") as pool:
            made = tuple(pool.map(stage, range(len(todo))))
        if not exact:
            raw = _renamed(raw, made)
            chains = chains_of(made)
        with images.holding(chains):
            stack.commit(made)
            return images.add(raw)


def _renamed(raw: bytes, diffs: Sequence[DiffID]) -> bytes:
    """The config with other diff IDs."""
    document = parse_config(raw)
    if list(diff_ids(document)) == list(diffs):
        return raw
    whole: dict[str, Any] = msgspec.json.decode(raw)
    whole["rootfs"] = {"type": "layers", "diff_ids": list(diffs)}
    return msgspec.json.encode(whole)
