"""A private orlopd whose /etc gives out subordinate IDs; the host's own /etc stays as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from daemon import REPO, Daemon

REMAP = 200_000  # first ID of dockremap
AUTO = 300_000  # first ID of orlop
_ROOM = 20_000  # IDs of orlop


class MappedDaemon(Daemon):
    """Lives in a mount namespace of its own, which outlives the daemon as the keeper does."""

    def __init__(self, *flags: str) -> None:
        super().__init__(*flags, name="map")
        upper, work = self.base / "etc", self.base / "etc-work"
        upper.mkdir()
        work.mkdir()
        for name in ("subuid", "subgid"):
            (upper / name).write_text(f"dockremap:{REMAP}:65536\norlop:{AUTO}:{_ROOM}\n")
        shutil.copy("/etc/passwd", upper / "passwd")
        with (upper / "passwd").open("a") as passwd:
            passwd.write("dockremap:x:64999:65534::/:/bin/false\n")
        options = f"lowerdir=/etc,upperdir={upper},workdir={work}"
        script = f"mount -t overlay overlay -o {options} /etc && echo ready && exec cat"
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n"
        namespace = f"--mount=/proc/{self._holder.pid}/ns/mnt"
        self.prefix = [
            "nsenter", namespace, "sh", "-c", f'cd {REPO} && exec "$@"', "sh",
        ]  # fmt: skip

    @property
    def root(self) -> Path:
        """The file system as the daemon sees it."""
        return Path(f"/proc/{self._holder.pid}/root")

    def close(self) -> None:
        super().close()
        self._holder.communicate(timeout=10)
