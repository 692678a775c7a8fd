"""The value: one volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANONYMOUS = "com.docker.volume.anonymous"


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    path: Path  # <data-root>/volumes/<name>
    created: str  # RFC 3339, seconds
    driver: str = "local"
    labels: Mapping[str, str] | None = None  # None: none were given
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def mountpoint(self) -> Path:
        return self.path / "_data"

    @property
    def anonymous(self) -> bool:
        return ANONYMOUS in (self.labels or {})

    def document(self) -> dict[str, Any]:
        """Docker's volume object."""
        return {
            "CreatedAt": self.created,
            "Driver": self.driver,
            "Labels": dict(self.labels) if self.labels is not None else None,
            "Mountpoint": str(self.mountpoint),
            "Name": self.name,
            "Options": dict(sorted(self.options.items())) or None,
            "Scope": "local",
        }
