"""Data roots as dockerd's drivers aufs and overlay (v1) left them, made from one of overlay2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path


def make(driver: str, source: Path, target: Path) -> None:
    """`driver`: aufs or overlay. `source`: an orlop data root with overlay2, `target`: new."""
    shutil.copytree(source / "image/overlay2", target / "image" / driver)
    records = target / "image" / driver / "layerdb/sha256"
    for record in _bottom_first(records):
        id = (record / "cache-id").read_text()
        tree = source / "overlay2" / id / "diff"
        above = (record / "parent").read_text()[7:] if (record / "parent").exists() else ""
        if driver == "aufs":
            place = target / "aufs/diff" / id
            _copy(tree, place)
            (place / ".wh..wh.plnk").mkdir()
            base = place / ".wh..wh.aufs"
            base.write_bytes(b"")
            for gone in _whiteouts(place):
                gone.unlink()
                os.link(base, gone.with_name(f".wh.{gone.name}"))
        else:
            place = target / "overlay" / id / "root"
            place.parent.mkdir(parents=True)
            if above:
                lower = target / "overlay" / (records / above / "cache-id").read_text() / "root"
                subprocess.run(["cp", "-al", str(lower), str(place)], check=True)
            for path in sorted(tree.rglob("*")) if above else ():
                _make_way(place / path.relative_to(tree))
            _copy(tree, place)
            for gone in _whiteouts(place):
                gone.unlink()


def _bottom_first(records: Path) -> list[Path]:
    left, done = sorted(records.iterdir()), []
    while left:
        ready = [
            r
            for r in left
            if not (r / "parent").exists() or records / (r / "parent").read_text()[7:] in done
        ]
        done += ready
        left = [r for r in left if r not in ready]
    return done


def _copy(tree: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--remove-destination", f"{tree}/.", str(place)], check=True)


def _make_way(path: Path) -> None:
    """For what replaces a file or link of the layers below."""
    if path.is_symlink() or path.is_file():
        path.unlink()


def _whiteouts(tree: Path) -> list[Path]:
    return [p for p in tree.rglob("*") if p.is_char_device() and p.lstat().st_rdev == 0]


def drop_splits(target: Path, driver: str) -> None:
    for path in (target / "image" / driver / "layerdb/sha256").glob("*/tar-split.json.gz"):
        path.unlink()


def config_of(root: Path, driver: str, name: str) -> str:
    """The ID of a name of this root."""
    kept = json.loads((root / "image" / driver / "repositories.json").read_bytes())
    return str(kept["Repositories"][name.partition(":")[0]][name])
