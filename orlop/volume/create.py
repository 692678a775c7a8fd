"""Create a volume, or find the one that already has the name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from orlop import files
from orlop.errors import InvalidArgument, NotFound, SystemFailure
from orlop.volume import local
from orlop.volume.model import ANONYMOUS, Volume
from orlop.volume.volumes import STAGING, Volumes, anonymous_name, created_at


def create(
    volumes: Volumes,
    name: str | None,
    driver: str,
    options: Mapping[str, str],
    labels: Mapping[str, str],
) -> Volume:
    """Without a name an anonymous one. Raises InvalidArgument, NotFound with Docker's texts."""
    labels = dict(labels)
    if not name:
        name = anonymous_name()
        labels.setdefault(ANONYMOUS, "")
    try:
        if driver not in ("", "local", "default"):
            raise NotFound(f'error looking up volume plugin {driver}: plugin "{driver}" not found')
        with volumes.lock:
            found = volumes.find(name)
            if found is not None:
                return found
            local.check_name(name)
            local.check_options(options)
            return _make(volumes, name, options, labels)
    except (InvalidArgument, NotFound) as error:
        raise type(error)(f"create {name}: {error.message}") from None


def _make(
    volumes: Volumes, name: str, options: Mapping[str, str], labels: Mapping[str, str]
) -> Volume:
    """The directory under a name that is no volume's, then the rename: all or nothing."""
    path = volumes.root / name
    staging = volumes.root / f"{STAGING}{name[:64]}-{os.getpid()}"
    anonymous = ANONYMOUS in labels
    placed = False
    try:
        volumes.root.mkdir(mode=0o701, parents=True, exist_ok=True)
        staging.mkdir(mode=0o701)
        staging.chmod(0o701)  # Docker's: root's, and search for remapped users
        data = staging / "_data"
        data.mkdir(mode=0o755)
        data.chmod(0o755)
        if options:
            raw = local.opts_json(options)
            files.write_atomic(staging / "opts.json", raw, durable=not anonymous)
        volume = Volume(name, path, "", "local", labels or None, dict(options))
        volumes.write_record(volume, durable=not anonymous)
        staging.rename(path)
        placed = True
        if not anonymous:
            files.fsync_dir(volumes.root)
    except OSError as error:
        if placed:  # else nobody could make it again
            with contextlib.suppress(OSError):
                path.rename(staging)
        for leftover in (staging / "opts.json", volumes.records / f"{name}.json"):
            with contextlib.suppress(OSError):  # such as: its name is too long
                leftover.unlink()
        for directory in (staging / "_data", staging):
            with contextlib.suppress(OSError):  # the next start takes what stays
                directory.rmdir()
        reason = (error.strerror or str(error)).lower()
        raise SystemFailure(
            f"create {name}: error while creating volume root path '{path}': mkdir {path}: {reason}"
        ) from None
    made = Volume(name, path, created_at(path), "local", volume.labels, volume.options)
    volumes.add(made)
    volumes.events.publish("volume", "create", name, {"driver": "local"})
    return made
