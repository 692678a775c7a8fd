"""How long a layer's archive is, without reading its files."""

from __future__ import annotations

from orlop.image.model import LayerStore
from orlop.oci.digest import ChainID, hex_of
from orlop.storage.tarsplit import records


def archive_size(layers: LayerStore, chain: ChainID) -> int:
    """Bytes of `layers.open_tar(chain)`. Raises SystemFailure for damaged tar-split data."""
    path = layers.root / "sha256" / hex_of(chain) / "tar-split.json.gz"
    total = 0
    for record in records(path):
        if record.type == 2:
            payload = record.payload or ""
            total += len(payload) // 4 * 3 - payload.count("=", -2)
        else:
            total += record.size
    return total
