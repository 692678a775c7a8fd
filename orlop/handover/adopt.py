"""Take over a data root that a dockerd wrote. It is stopped: the caller holds its lock.

foreign(root) -> bool        is it dockerd's, or was it in between?
adopt(root)                  volumes and networks into our records
"""

from __future__ import annotations

import json
from pathlib import Path

from orlop import bolt, files
from orlop.errors import SystemFailure
from orlop.handover import networks, state, volumes

_NAMES_OF_SNAPSHOTTER = ("rootfs", "image/overlayfs")


def foreign(root: Path) -> bool:
    """A root with images that is not ours, or whose databases changed since we saw them."""
    known = state.load(root)
    if known is None:
        if (root / "orlop" / "version").exists():
            return False
        images = root / "image"  # we make it too, and dockerd puts a directory into it at once
        return images.is_dir() and any(images.iterdir())
    seen = known.get("seen") or {}
    return any(
        state.fingerprint(root / name) != seen.get(name, "")
        for name in (state.VOLUMES, state.NETWORKS)
    )


def refuse_unreadable(root: Path) -> None:
    """Raises SystemFailure for what cannot be adopted, before anything is touched."""
    if any((root / name).is_dir() for name in _NAMES_OF_SNAPSHOTTER) and not _has_layers(root):
        raise SystemFailure(
            f"data root {root} keeps its images in containerd's snapshotter (the default of "
            "Docker 29); name another --data-root, and bring images along by `docker save`"
        )


def _has_layers(root: Path) -> bool:
    return any((root / "image").glob("*/layerdb"))


def adopt(root: Path) -> None:
    """Raises SystemFailure, with nothing of dockerd's changed."""
    found = {name: state.contents(root / name) for name in (state.VOLUMES, state.NETWORKS)}
    try:
        name = state.VOLUMES
        kept = volumes.read(found[name])
        name = state.NETWORKS
        bucket = bolt.read(found[name]).get(networks.BUCKET) or {}
        assert isinstance(bucket, dict)
        records = networks.records(bucket, "network")
        ours = [networks.ours(record) for record in records.values() if _usable(record)]
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise SystemFailure(f"{root / name}: cannot be read: {error}") from None
    volumes.keep(root, kept)
    if found[state.NETWORKS]:
        document = {"version": 1, "networks": ours}
        files.write_atomic(
            root / "orlop" / "networks.json", json.dumps(document, indent=1).encode()
        )
    state.save(root, records)


def _usable(record: dict[str, object]) -> bool:
    """Not those of a swarm, which come from its managers."""
    return record.get("scope", "local") in ("local", "") and not record.get("inDelete")
