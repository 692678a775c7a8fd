"""The host driver: the container shares the host's network namespace."""

from __future__ import annotations

from pathlib import Path


def sandbox_key(exec_root: Path) -> str:
    return str(exec_root / "netns" / "default")
