"""fuse-overlayfs: overlay2's layout, merged by a program, where the kernel's overlay cannot.

One process for each merged view; it lives in a session of its own and outlives the daemon.
Source: fuse-overlayfs(1). It reads overlay's whiteouts and opaque marks as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orlop.errors import SystemFailure
from orlop.kernel import mount
from orlop.storage.driver import Owners
from orlop.storage.drivers.overlay2 import Overlay2

_PROGRAM = "fuse-overlayfs"


class FuseOverlayfs(Overlay2):
    name = "fuse-overlayfs"

    def _probe(self) -> None:
        """Merge two empty directories. Raises SystemFailure that says what is missing."""
        if shutil.which(_PROGRAM) is None:
            raise SystemFailure(
                "storage driver fuse-overlayfs needs the program fuse-overlayfs: install the "
                "distribution's package of this name"
            )
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=self.home) as scratch:
            for name in ("a", "b", "u", "w", "m"):
                os.mkdir(f"{scratch}/{name}")
            options = f"lowerdir={scratch}/a:{scratch}/b,upperdir={scratch}/u,workdir={scratch}/w"
            _run(f"{scratch}/m", options)
            mount.umount(f"{scratch}/m", mount.MNT_DETACH)

    def _mount(self, id: str, merged: Path, volatile: bool) -> None:
        options = self._options(id, [str(self.home / n) for n in self._lowers(id)], str(self.home))
        # As root of the host it may show every owner and let every user in.
        _run(str(merged), options + ",allow_other" + (",volatile" if volatile else ""))

    def _mount_mapped(self, id: str, merged: Path, volatile: bool, owners: Owners) -> None:
        raise SystemFailure(
            "storage driver fuse-overlayfs cannot show files to a user namespace: use overlay2, "
            "or run the container with --userns=host"
        )

    def temporary(self, id: str) -> int:
        return self._opened(lambda where: self._mount(id, where, False))

    def _merged(self, lowers: list[str]) -> int:
        paths = [str(self.home / n) for n in lowers]
        if len(paths) == 1:
            return os.open(paths[0], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._opened(lambda where: _run(str(where), f"lowerdir={':'.join(paths)},ro"))

    def status(self) -> list[tuple[str, str]]:
        return []


def _run(target: str, options: str) -> None:
    """Raises SystemFailure with what the program says."""
    made = subprocess.run(
        [_PROGRAM, "-o", options, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        check=False,
    )
    if made.returncode != 0:
        said = made.stderr.decode("utf-8", "replace").strip()
        raise SystemFailure(f"fuse-overlayfs: {said or f'exit status {made.returncode}'}")
