"""Give a data root to a dockerd: nothing runs or is mounted any more, the caller holds the locks.

Layers, images and containers lie there as dockerd knows them; its two databases are written anew,
each as one compact file by rename.
"""

from __future__ import annotations

import json
from pathlib import Path

from orlop import bolt, files
from orlop.errors import SystemFailure
from orlop.handover import networks, state, volumes


def hand_back(root: Path) -> None:
    """Raises SystemFailure with dockerd's files as they were."""
    name = state.VOLUMES
    try:
        kept = {
            key: record
            for key, record in volumes.read(state.contents(root / name)).items()
            if record.get("Driver") != "local"
        }
        name = state.NETWORKS
        top = bolt.read(state.contents(root / name))
        found = top.get(networks.BUCKET) or {}
        assert isinstance(found, dict)
        bucket = found
        name = "orlop/networks.json"
        ours = json.loads((root / name).read_bytes())["networks"]
        bucket = networks.merge(found, ours)
    except FileNotFoundError:
        pass  # no network was ever made
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise SystemFailure(f"{root / name}: cannot be read: {error}") from None
    (root / state.NETWORKS).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    everything = volumes.write({**kept, **volumes.collect(root)})
    files.write_atomic(root / state.VOLUMES, everything, mode=0o600)
    data = bolt.write({**top, networks.BUCKET: bucket})
    files.write_atomic(root / state.NETWORKS, data, mode=0o644)
    state.save(root, networks.records(bucket, "network"))
