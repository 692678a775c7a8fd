"""orlopd run by a user other than root, in a mount namespace whose /etc knows that user.

There /dev/net/tun and /dev/fuse are open to everybody; those of the host stay as they are.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from select import select
from typing import Any

from daemon import ORLOP, REPO

UID, FIRST, COUNT = 61777, 700_000, 65536


class Rootless:
    """Commands of the user; the daemon starts by itself."""

    def __init__(
        self, *, subids: bool = True, tun: bool = True, without: str = "", group: str = ""
    ) -> None:
        """`without`: a program that is not to be found. `group`: of the v2 tree, the user's own,
        which commands go into; the user sees no other control groups than v2's."""
        self.enter = "/dev/null"  # the cgroup.procs that the user's commands go into
        self.base = Path(tempfile.mkdtemp(prefix="orlop-user-", dir="/var/tmp"))
        self.base.chmod(0o755)
        for name in ("etc", "work", "home", "run"):
            (self.base / name).mkdir(mode=0o700)
            if name in ("home", "run"):
                os.chown(self.base / name, UID, UID)
        etc = self.base / "etc"
        etc.chmod(0o755)
        for name in ("subuid", "subgid"):
            (etc / name).write_text(f"tester:{FIRST}:{COUNT}\n" if subids else "")
        for name, line in (
            ("passwd", f"tester:x:{UID}:{UID}::{self.base}/home:/bin/sh\n"),
            ("group", f"tester:x:{UID}:\n"),
        ):
            shutil.copy(f"/etc/{name}", etc / name)
            with (etc / name).open("a") as file:
                file.write(line)
        layers = f"lowerdir=/etc,upperdir={etc},workdir={self.base}/work"
        steps = [f"mount -t overlay overlay -o {layers} /etc"]
        for name, place, number in (("tun", "/dev/net/tun", 200), ("fuse", "/dev/fuse", 229)):
            mode = 0o666 if tun or name != "tun" else 0o600
            os.mknod(self.base / name, 0o020000 | mode, os.makedev(10, number))
            (self.base / name).chmod(mode)
            if os.path.exists(place):  # a kernel may be without
                steps.append(f"mount --bind {self.base}/{name} {place}")
        if group:
            steps.append("umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup")
            self.enter = f"{group}/cgroup.procs"
        hidden = shutil.which(without) if without else None
        if hidden:
            steps.append(f"mount --bind /dev/null {hidden}")
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             " && ".join([*steps, "echo ready", "exec cat"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n"

    def serve(self) -> None:
        """Start the daemon as a service manager does and wait for it, on a slow machine, too."""
        entry = str(REPO / "orlop/daemon/entry.py")
        script = f'while :; do "$@" && break; done >>{self.base}/run/log 2>&1 </dev/null &'
        self.run("setsid", "sh", "-c", script, "sh", *ORLOP[:-1], entry)
        deadline = time.monotonic() + 600
        while self.docker("version", check=False).returncode:
            assert time.monotonic() < deadline, (self.base / "run/log").read_text()
            select([], [], [], 1)
        self.enter = "/dev/null"  # its groups have limits now, and no processes beside them

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": f"{self.base}/home", "XDG_RUNTIME_DIR": f"{self.base}/run", "USER": "tester",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "DOCKER_HOST": f"unix://{self.base}/run/orlop/orlop.sock",
            **options.pop("env", {}),
        }  # fmt: skip
        check = options.pop("check", True)
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        done = subprocess.run(
            ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", f"--wd={self.base}/home",
             "sh", "-c", f'echo $$ > {self.enter}; exec "$@"', "sh",
             "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *command],
            env=environment, capture_output=True, text=True, timeout=300, check=False, **options,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def orlop(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """On the default socket."""
        return self.run("env", "-u", "DOCKER_HOST", *ORLOP, *words, **options)

    def docker(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.run("docker", *words, **options)

    def pid(self, name: str) -> int:
        return int((self.base / "run/orlop" / f"{name}.pid").read_text())

    def close(self) -> None:
        """End everything: all of it is that user's, in namespaces of its own."""
        self.docker("ps", "-aq", check=False)
        for id in self.docker("ps", "-aq", check=False).stdout.split():
            self.docker("rm", "-f", "-v", id, check=False)
        deadline = time.monotonic() + 20
        while (found := self._processes()) and time.monotonic() < deadline:
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            select([], [], [], 0.05)
        self._holder.communicate(timeout=10)
        shutil.rmtree(self.base, ignore_errors=True)

    def _processes(self) -> list[int]:
        out = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                uid = int(status.read_text().partition("\nUid:")[2].split()[0])
            except (OSError, ValueError, IndexError):
                continue
            if uid == UID or FIRST <= uid < FIRST + COUNT:
                out.append(int(status.parent.name))
        return out
