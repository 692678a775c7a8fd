"""What orlop remembers of a data root that is or was dockerd's: `<data-root>/orlop/foreign.json`.

    {"seen": {"<file>": sha256 or ""}, "networks": {"<id>": record as dockerd wrote it}}

`seen`: dockerd's databases as they were when we last read or wrote them; another content means
that dockerd had the root in between.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from orlop import files
from orlop.errors import SystemFailure

VOLUMES = "volumes/metadata.db"
NETWORKS = "network/files/local-kv.db"


def path_of(root: Path) -> Path:
    return root / "orlop" / "foreign.json"


def load(root: Path) -> dict[str, Any] | None:
    """None for a root that was never dockerd's. Raises SystemFailure for a damaged record."""
    try:
        found = json.loads(path_of(root).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemFailure(f"damaged record {path_of(root)}: {error}") from None
    if not isinstance(found, dict):
        raise SystemFailure(f"damaged record {path_of(root)}")
    return found


def save(root: Path, networks: dict[str, Any]) -> None:
    seen = {name: fingerprint(root / name) for name in (VOLUMES, NETWORKS)}
    document = {"version": 1, "seen": seen, "networks": networks}
    files.write_atomic(path_of(root), json.dumps(document, indent=1).encode())


def contents(path: Path) -> bytes:
    """b"" for a database that dockerd never made."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def fingerprint(path: Path) -> str:
    data = contents(path)
    return hashlib.sha256(data).hexdigest() if data else ""
