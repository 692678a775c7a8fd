"""One volume, frozen. Options and labels are Docker's `DriverOpts` and `Labels`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANONYMOUS = "com.docker.volume.anonymous"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    mountpoint: str  # host path of its data
    created_at: str  # RFC 3339, seconds
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    driver: str = LOCAL

    @property
    def anonymous(self) -> bool:
        return ANONYMOUS in self.labels

    def document(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "CreatedAt": self.created_at,
            "Driver": self.driver,
            "Labels": dict(self.labels) or None,
            "Mountpoint": self.mountpoint,
            "Name": self.name,
            "Options": dict(self.options) or None,
            "Scope": "local",
        }
