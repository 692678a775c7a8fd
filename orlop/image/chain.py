"""Chain IDs of an image (`orlop image chainid`): how layers get their names."""

from __future__ import annotations

from typing import Any

from orlop.image.images import Images


def chain(images: Images, ref: str) -> list[dict[str, Any]]:
    """One dict per layer, bottom first: `ChainID`, `DiffID`, `Parent`, `CacheID`, `Size`."""
    image = images.get(ref)
    out: list[dict[str, Any]] = []
    for chain_id in image.chains:
        layer = images.layers.get(chain_id)
        out.append(
            {
                "ChainID": layer.chain_id,
                "DiffID": layer.diff_id,
                "Parent": layer.parent or "",
                "CacheID": layer.cache_id,
                "Size": layer.size,
            }
        )
    return out
