"""OCI bundles of busybox, and the runtimes that the contract suite runs them on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from orlop.runtime.oci.spec import document

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
APPLETS = (
    "sh",
    "cat",
    "id",
    "ls",
    "sleep",
    "true",
    "false",
    "grep",
    "stat",
    "kill",
    "mount",
    "tty",
)
PATIENCE = 30


class Runtime:
    """One runtime with a state root of its own."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.made: list[str] = []
        if name == "orlop-runtime":
            script = ROOT / "orlop" / "runtime" / "main.py"
            self.command = ["/usr/bin/python3", "-I", "-S", str(script)]
        else:
            self.command = [shutil.which(name) or f"/usr/sbin/{name}"]

    def call(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a verb and wait for it; the output is text."""
        return subprocess.run(
            [*self.command, "--root", str(self.root), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            **options,
        )

    def ok(self, *arguments: str, **options: Any) -> str:
        done = self.call(*arguments, **options)
        assert done.returncode == 0, (arguments, done.stderr, done.stdout)
        return done.stdout

    def create(self, id: str, bundle: Path, *more: str) -> None:
        """Detached, without pipes: the container keeps its stdio open."""
        self.made.append(id)
        with open(bundle / "output", "wb") as output, open(bundle / "errors", "w+b") as errors:
            done = subprocess.run(
                [*self.command, "--root", str(self.root), "create", "-b", str(bundle), *more, id],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=PATIENCE,
                check=False,
            )
            errors.seek(0)
            assert done.returncode == 0, errors.read()

    def run(self, bundle: Path, id: str, *more: str) -> subprocess.CompletedProcess[str]:
        """In the foreground, to its end."""
        return self.call("run", "-b", str(bundle), *more, id)

    def state(self, id: str) -> Json:
        found: Json = json.loads(self.ok("state", id))
        return found

    def wait(self, id: str) -> None:
        """Until the first process is dead."""
        pid = self.state(id)["pid"]
        if pid:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            import select

            assert select.select([fd], [], [], PATIENCE)[0], "the container does not end"
            os.close(fd)

    def close(self) -> None:
        for id in self.made:
            self.call("delete", "--force", id)


def make(path: Path, *command: str, **changes: Any) -> Path:
    """A bundle that runs `command`. `changes`: config keys, "process" and "linux" merged."""
    rootfs = path / "rootfs"
    for name in ("bin", "proc", "sys", "dev", "etc", "tmp", "root", "data"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin" / "busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:7:8::/data:/bin/sh\n")
    (rootfs / "tmp").chmod(0o1777)
    path.chmod(0o755)
    spec = document(False)
    spec["ociVersion"] = "1.0.2"
    spec["root"]["readonly"] = False
    spec["process"] |= {"terminal": False, "args": list(command) or ["true"]}
    del spec["process"]["rlimits"]
    for key, value in changes.items():
        if key in ("process", "linux"):
            spec[key] |= value
        elif key == "mounts":
            spec[key] += value
        else:
            spec[key] = value
    (path / "config.json").write_text(json.dumps(spec))
    return path
