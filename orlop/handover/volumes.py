"""Volumes: dockerd's `volumes/metadata.db` and our `orlop/volumes/<name>.json`.

metadata.db: bucket "volumes", name to {"Name", "Driver", "Labels", "Options"}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orlop import bolt, files

Json = dict[str, Any]
_BUCKET = b"volumes"


def read(data: bytes) -> dict[str, Json]:
    """By name. Raises bolt.Damaged."""
    bucket = bolt.read(data).get(_BUCKET) or {}
    if not isinstance(bucket, dict):
        raise bolt.Damaged("volumes is no bucket")
    out = {}
    for key, value in bucket.items():
        record = json.loads(value) if isinstance(value, bytes) else None
        if not isinstance(record, dict):
            raise bolt.Damaged(f"record of volume {key!r}")
        out[key.decode("utf-8", "surrogateescape")] = record
    return out


def write(records: dict[str, Json]) -> bytes:
    bucket: bolt.Bucket = {
        name.encode("utf-8", "surrogateescape"): json.dumps(
            record, separators=(",", ":"), ensure_ascii=False
        ).encode()
        for name, record in records.items()
    }
    return bolt.write({_BUCKET: bucket})


def keep(root: Path, records: dict[str, Json]) -> None:
    """As our records. The volumes of plugins stay in dockerd's file alone."""
    folder = root / "orlop" / "volumes"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name.removesuffix(".json") not in records:
            path.unlink()
    for name, record in records.items():
        local = record.get("Driver") == "local" and "/" not in name
        if local and (record.get("Labels") is not None or record.get("Options")):
            ours = {
                "Name": name,
                "Driver": "local",
                "Labels": record.get("Labels"),
                "Options": record.get("Options") or {},
            }
            files.write_atomic(folder / f"{name}.json", json.dumps(ours).encode())


def collect(root: Path) -> dict[str, Json]:
    """What dockerd is to know: every volume's directory, with what our record says of it."""
    out: dict[str, Json] = {}
    for path in sorted((root / "volumes").iterdir()):
        if not (path / "_data").is_dir():
            continue
        record: Json = {"Name": path.name, "Driver": "local", "Labels": None, "Options": None}
        try:
            ours = json.loads((root / "orlop" / "volumes" / f"{path.name}.json").read_bytes())
            record["Labels"] = ours.get("Labels")
            record["Options"] = ours.get("Options") or None
        except FileNotFoundError:
            pass
        out[path.name] = record
    return out
