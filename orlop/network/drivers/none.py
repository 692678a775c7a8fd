"""The none driver (Docker calls it null): a namespace of its own with nothing but the loopback."""

from __future__ import annotations

from typing import Any


def container_ops() -> list[tuple[Any, ...]]:
    return [("up", "lo")]
