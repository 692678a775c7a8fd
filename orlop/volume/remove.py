"""Remove a volume that nobody uses."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from orlop import paths
from orlop.errors import Conflict, NotFound, SystemFailure
from orlop.volume import local
from orlop.volume.model import Volume
from orlop.volume.volumes import LEAVING, Volumes


def remove(volumes: Volumes, name: str, *, force: bool = False) -> None:
    """`force`: an absent one is no error. Raises NotFound, Conflict with Docker's texts."""
    with volumes.lock:
        try:
            volume = volumes.get(name)
        except NotFound:
            if force:
                return
            raise
        users = volumes.users(name)
        if users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(users)}]")
        if local.has_mount(volume.options) and local.is_mounted(volume):
            local.unmount(volume)
        try:
            tomb = _put_away(volumes, volume)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SystemFailure(f"remove {name}: {reason}") from None
        volumes.discard(name)
        (volumes.records / f"{name}.json").unlink(missing_ok=True)
    volumes.events.publish("volume", "destroy", name, {"driver": volume.driver})
    try:
        with paths.Root(tomb.parent) as root:
            root.rmtree(os.fsencode(tomb.name))
    except OSError as error:
        # It is no volume any more; the next start empties the trash.
        reason = (error.strerror or str(error)).lower()
        raise SystemFailure(f"remove {name}: {reason}") from None


def _put_away(volumes: Volumes, volume: Volume) -> Path:
    """Where it is no volume any more, in one step."""
    trash = volumes.root.parent / "orlop" / "trash"
    tomb = f"volume-{secrets.token_hex(8)}"
    try:
        trash.mkdir(mode=0o700, parents=True, exist_ok=True)
        return volume.path.rename(trash / tomb)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    # the volumes have a disk of their own
    return volume.path.rename(volumes.root / f"{LEAVING}{tomb}")
