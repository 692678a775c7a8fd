"""Packages through the host's own apt: its mirrors, its keys, its checks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from orlop.errors import NotSupported, SystemFailure

_ENV = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/nonexistent",
}
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_TIMEOUT = 900


def environment() -> dict[str, str]:
    """A clean environment with the host's proxies."""
    return {**_ENV, **{k: v for k in _PROXIES if (v := os.environ.get(k))}}


def require(tool: str, why: str) -> str:
    """The path of a host tool. Raises NotSupported saying what it is needed for."""
    path = shutil.which(tool, path=_ENV["PATH"])
    if path is None:
        raise NotSupported(f"{tool} not found on this host: {why}")
    return path


def run(argv: Sequence[str], *, cwd: Path | None = None, options: Sequence[str] = ()) -> str:
    """Standard output of a tool. Raises SystemFailure with the last line it complained."""
    try:
        done = subprocess.run(
            [argv[0], *options, *argv[1:]],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemFailure(f"{argv[0]}: {error}") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or done.stdout.strip().splitlines() or [""]
        errors = [line for line in lines if line.startswith("E:")]
        raise SystemFailure(f"{Path(argv[0]).name}: {(errors or lines)[-1]}")
    return done.stdout


def download(package: str, folder: Path) -> Path:
    """The .deb of a package in `folder`. Raises NotSupported, SystemFailure."""
    tool = require("apt-get", f"install the package {package} by hand and try again")
    run(
        [tool, "download", package],
        cwd=folder,
        options=("-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0"),
    )
    found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        raise SystemFailure(f"apt-get downloaded no {package}")
    return found[0]
