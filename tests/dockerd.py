"""A real dockerd, unpacked from the distribution's packages, in namespaces of its own.

Nothing of it is installed; its bridge and firewall rules live and die with its network namespace.
Other releases: ORLOP_DOCKERDS, root filesystems with a dockerd, as `scripts/dockerd.sh` makes them,
separated by colons.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).parent.parent
_TREE = REPO / ".venv" / "dockerd"
_PACKAGES = ("docker.io", "containerd", "runc", "tini", "libdevmapper1.02.1")
_READY = 60  # seconds
# "" is the distribution's own
ROOTS = [root for root in os.environ.get("ORLOP_DOCKERDS", "").split(":") if root] or [""]


def tree() -> Path:
    """The unpacked packages; made once for a checkout."""
    if (_TREE / "usr/sbin/dockerd").exists():
        return _TREE
    with tempfile.TemporaryDirectory(prefix="orlop-debs-", dir="/var/tmp") as scratch:
        os.chmod(scratch, 0o777)  # apt downloads as a user of its own
        for package in _PACKAGES:
            subprocess.run(
                ["apt-get", "download", "-qq", package],
                cwd=scratch,
                check=package in _PACKAGES[:3],
                capture_output=True,
            )
        made = Path(scratch, "tree")
        for deb in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(deb), str(made)], check=True)
        shutil.copytree(made, _TREE, symlinks=True, dirs_exist_ok=True)
    return _TREE


class Dockerd:
    def __init__(self, data_root: Path, base: Path, root: str = "") -> None:
        """`root`: one of ROOTS."""
        self.data_root = data_root
        self.root = root
        self.base = base  # short: containerd's socket lies below it
        self.socket = base / "d.sock"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = base / "dockerd.log"

    def start(self) -> Dockerd:
        if self.root:
            return self._start_other(self.root)
        where = tree()
        binaries = f"{where}/usr/sbin:{where}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        libraries = ":".join(str(p) for p in (where / "usr/lib").glob("*-linux-gnu"))
        exec_root = self.base / "x"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "unshare", "--mount", "--net", "--propagation=slave", "dockerd",
                    f"--data-root={self.data_root}", f"--exec-root={exec_root}",
                    f"--pidfile={self.base}/d.pid", f"--host=unix://{self.socket}",
                    f"--config-file={self._config()}", "--cgroup-parent=/orlop-dockerd",
                ],
                env={"PATH": binaries, "LD_LIBRARY_PATH": libraries, "HOME": str(self.base)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )  # fmt: skip
        self._await()
        return self

    def _start_other(self, where: str) -> Dockerd:
        """A dockerd of another release, in the root of its own distribution."""
        script = """set -e; T=$1 B=$2; shift 2
mount --bind "$T" "$T"; mkdir -p "$T$B" "$T/old"; mount --bind "$B" "$T$B"
mount -t proc proc "$T/proc"; mount -t sysfs sysfs "$T/sys"; mount --rbind /dev "$T/dev"
mount --rbind /sys/fs/cgroup "$T/sys/fs/cgroup"; mount -t tmpfs tmpfs "$T/run"
ip link set lo up; cd "$T"; pivot_root . old; umount -l /old; exec "$@" """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "unshare", "--mount", "--net", "--propagation=private", "sh", "-c", script,
                    "sh", where, str(self.base), "dockerd", f"--data-root={self.data_root}",
                    f"--exec-root={self.base}/x", f"--pidfile={self.base}/d.pid",
                    f"--host=unix://{self.socket}", f"--config-file={self._config()}",
                    "--cgroup-parent=/orlop-dockerd",
                ],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.base)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._await()
        return self

    def _config(self) -> Path:
        path = self.base / "daemon.json"
        path.write_text("{}")
        return path

    def _await(self) -> None:
        """Until it answers; it may also end, and then says why in its log."""
        assert self.process
        ended = os.pidfd_open(self.process.pid)
        deadline = time.monotonic() + _READY
        try:
            while self._run(["docker", "version"]).returncode:
                if select.select([ended], [], [], 0.1)[0]:
                    self.process.wait()
                elif time.monotonic() < deadline:
                    continue
                raise AssertionError(f"dockerd is not ready:\n{self.log.read_text()[-4000:]}")
        finally:
            os.close(ended)

    def _run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}
        environment["DOCKER_CONFIG"] = str(self.base)
        return subprocess.run(
            command, text=True, capture_output=True, env=environment, timeout=120, **options
        )

    def docker(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = self._run(["docker", *args])
        if check and done.returncode:
            raise AssertionError(
                f"docker {args}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def stop(self) -> None:
        """As systemd would: SIGTERM, and it ends its containers."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.process = None
