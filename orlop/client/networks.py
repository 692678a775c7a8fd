"""The networks of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orlop.client.calls import Calls, Filters, filters_text
from orlop.client.container import Container
from orlop.client.known import Known
from orlop.client.results import Pruned
from orlop.client.transport import query, quote


class Network(Known):
    def __repr__(self) -> str:
        return f"<Network {self.id[:12]} {self.name}>"

    @property
    def name(self) -> str:
        return str(self.attrs["Name"])

    @property
    def subnets(self) -> list[str]:
        return [one["Subnet"] for one in (self.attrs["IPAM"].get("Config") or ())]

    @property
    def container_ids(self) -> list[str]:
        return list(self.attrs.get("Containers") or ())

    def reload(self) -> Network:
        self.attrs = self._calls.call("GET", f"/networks/{quote(self.id)}")
        return self

    def connect(
        self, container: Container | str, *, aliases: Sequence[str] = (), ip: str = "",
        ip6: str = "",
    ) -> None:  # fmt: skip
        addresses = {"IPv4Address": ip, "IPv6Address": ip6}
        endpoint: dict[str, Any] = {"Aliases": list(aliases)}
        if ip or ip6:
            endpoint["IPAMConfig"] = {key: value for key, value in addresses.items() if value}
        body = {"Container": _ref(container), "EndpointConfig": endpoint}
        self._calls.call("POST", f"/networks/{quote(self.id)}/connect", body)

    def disconnect(self, container: Container | str, *, force: bool = False) -> None:
        body = {"Container": _ref(container), "Force": force}
        self._calls.call("POST", f"/networks/{quote(self.id)}/disconnect", body)

    def remove(self) -> None:
        self._calls.call("DELETE", f"/networks/{quote(self.id)}")


class Networks:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(
        self, name: str, *, driver: str = "bridge", subnet: str = "", gateway: str = "",
        internal: bool = False, ipv6: bool = False, options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Network:  # fmt: skip
        """Without `subnet`: one that is free on this host."""
        pool = {key: value for key, value in (("Subnet", subnet), ("Gateway", gateway)) if value}
        body = {
            "Name": name, "Driver": driver, "Internal": internal, "EnableIPv6": ipv6,
            "Options": dict(options or {}), "Labels": dict(labels or {}),
            "IPAM": {"Driver": "default", "Config": [pool] if pool else []},
        }  # fmt: skip
        return self.get(self._calls.call("POST", "/networks/create", body)["Id"])

    def get(self, ref: str) -> Network:
        """By name, ID or the beginning of an ID. Raises NotFound."""
        return Network(self._calls, self._calls.call("GET", f"/networks/{quote(ref)}"))

    def list(self, filters: Filters | None = None) -> list[Network]:
        path = "/networks" + query({"filters": filters_text(filters)})
        return [Network(self._calls, row) for row in self._calls.call("GET", path)]

    def prune(self, filters: Filters | None = None) -> Pruned:
        path = "/networks/prune" + query({"filters": filters_text(filters)})
        return Pruned.of(self._calls.call("POST", path), "NetworksDeleted")


def _ref(container: Container | str) -> str:
    return container if isinstance(container, str) else container.id
