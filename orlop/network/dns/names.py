"""Who is called what: the tables that the daemon fills. Pure.

A container is known by one document, which replaces what was known of it before:

    {"id", "networks": [{"id", "name", "ipv4", "ipv6", "names": [...]}], "links": {alias: name},
     "upstreams": [(address, from the container's namespace)], "forward": bool}

Addresses are text, "" for none; names are as given, found in any case, also as NAME.NETWORK.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Addresses = tuple[str, str]  # IPv4, IPv6


class Network:
    __slots__ = ("name", "names", "owners")

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: dict[str, dict[str, Addresses]] = {}  # lower case: container -> addresses
        self.owners: dict[str, str] = {}  # address -> first name


class Container:
    __slots__ = ("forward", "id", "links", "networks", "upstreams")

    def __init__(self, document: dict[str, Any]) -> None:
        self.id = str(document["id"])
        self.networks: list[dict[str, Any]] = list(document["networks"])
        self.links: dict[str, str] = {k.lower(): v for k, v in document["links"].items()}
        self.upstreams: list[tuple[str, bool]] = [
            (str(a), bool(i)) for a, i in document["upstreams"]
        ]
        self.forward = bool(document["forward"])


class Names:
    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}
        self._networks: dict[str, Network] = {}

    def put(self, document: dict[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError for a document of another shape."""
        container = Container(document)
        self.drop(container.id)
        self.containers[container.id] = container
        for entry in container.networks:
            network = self._networks.setdefault(entry["id"], Network(entry["name"]))
            addresses = (entry["ipv4"], entry["ipv6"])
            for name in entry["names"]:
                network.names.setdefault(name.lower(), {})[container.id] = addresses
            for address in addresses:
                if address and entry["names"]:
                    network.owners[address] = entry["names"][0]

    def drop(self, id: str) -> None:
        container = self.containers.pop(id, None)
        for entry in container.networks if container else ():
            network = self._networks[entry["id"]]
            for name in entry["names"]:
                holders = network.names.get(name.lower(), {})
                holders.pop(id, None)
                if not holders:
                    network.names.pop(name.lower(), None)
            for address in (entry["ipv4"], entry["ipv6"]):
                network.owners.pop(address, None)
            if not network.names:
                del self._networks[entry["id"]]

    def lookup(self, client: Container, name: str) -> list[Addresses]:
        """`name` without a dot at its end; empty when nobody on the client's networks has it."""
        name = name.lower()
        linked = client.links.get(name)
        for wanted in (linked.lower(), name) if linked else (name,):
            for entry in client.networks:
                found = self._on(entry["id"], wanted)
                if found:
                    return found
        head, dot, tail = name.rpartition(".")
        for entry in client.networks if dot else ():
            if entry["name"].lower() == tail:
                return self._on(entry["id"], head)
        return []

    def _on(self, network: str, name: str) -> list[Addresses]:
        found = self._networks.get(network)
        return list(found.names.get(name, {}).values()) if found else []

    def reverse(self, client: Container, address: str) -> str:
        """NAME.NETWORK of an address on the client's networks, "" for none."""
        for entry in client.networks:
            network = self._networks.get(entry["id"])
            name = network.owners.get(address) if network else None
            if name:
                return f"{name}.{entry['name']}"
        return ""
