"""The volumes of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.client.calls import Calls, Filters, filters_text
from orlop.client.known import Known
from orlop.client.results import Pruned
from orlop.client.transport import query, quote


class Volume(Known):
    def __repr__(self) -> str:
        return f"<Volume {self.name}>"

    @property
    def id(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return str(self.attrs["Name"])

    @property
    def mountpoint(self) -> str:
        """Its directory on the engine's host."""
        return str(self.attrs["Mountpoint"])

    @property
    def labels(self) -> Mapping[str, str]:
        return self.attrs.get("Labels") or {}

    def remove(self, *, force: bool = False) -> None:
        self._calls.call("DELETE", f"/volumes/{quote(self.name)}" + query({"force": force}))


class Volumes:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(
        self, name: str = "", *, driver: str = "local", options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:  # fmt: skip
        """Without a name: an anonymous one."""
        body = {
            "Name": name, "Driver": driver, "DriverOpts": dict(options or {}),
            "Labels": dict(labels or {}),
        }  # fmt: skip
        return Volume(self._calls, self._calls.call("POST", "/volumes/create", body))

    def get(self, name: str) -> Volume:
        """Raises NotFound."""
        return Volume(self._calls, self._calls.call("GET", f"/volumes/{quote(name)}"))

    def list(self, filters: Filters | None = None) -> list[Volume]:
        path = "/volumes" + query({"filters": filters_text(filters)})
        return [Volume(self._calls, row) for row in self._calls.call("GET", path)["Volumes"] or ()]

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove anonymous ones that no container has, with `all` named ones too."""
        wanted: dict[str, Any] = {**(filters or {})} | ({"all": "true"} if all else {})
        path = "/volumes/prune" + query({"filters": filters_text(wanted)})
        answer = self._calls.call("POST", path)
        return Pruned.of(answer, "VolumesDeleted")
