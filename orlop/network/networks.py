"""The noun: the networks of this daemon, who is attached to them, and what the host has of them.

Definitions persist in `<data-root>/orlop/networks.json`; attachments do not: the container records
carry them, and `restore` brings them back at daemon start. Bridges and firewall come up at the
first need, so that a daemon without containers starts without touching the host.

Invariant: everything below is read and changed under `lock`.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orlop import files
from orlop.config import Config
from orlop.errors import InvalidArgument, NotFound, SystemFailure
from orlop.events import Events
from orlop.network import model
from orlop.network.carrier import Carrier
from orlop.network.firewall import Firewall
from orlop.network.ipam import Address, Pool
from orlop.network.model import Endpoint, Network
from orlop.network.ports import Ports, Published
from orlop.network.resolver import Resolver
from orlop.network.rules import Element

if TYPE_CHECKING:
    from orlop.network.attach import Attachment

Json = dict[str, Any]

_log = logging.getLogger(__name__)
_REMEMBERED = 4096  # addresses that containers had, to give them again
_MAX_MTU = 65535


@dataclass(eq=False, slots=True)
class Sandbox:
    """One container's network namespace as the engine knows it."""

    container_id: str
    id: str
    key: str  # where Docker would bind the namespace
    name: str
    hostname: str
    endpoints: dict[str, Endpoint] = field(default_factory=dict)  # by network ID, gateway first
    published: list[Published] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    exposed: list[tuple[int, str]] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)  # alias: name, for the resolver
    upstreams: list[tuple[str, bool]] = field(default_factory=list)  # see dns.names


@dataclass(eq=False, slots=True)
class Networks:
    config: Config
    events: Events
    ports: Ports = field(default_factory=Ports)
    carrier: Carrier = field(init=False)
    firewall: Firewall = field(init=False)
    resolver: Resolver = field(init=False)
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)  # by container ID
    up: set[str] = field(default_factory=set)  # IDs of the networks whose bridge stands
    warnings: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    defined: bool = False  # the default bridge's name and subnet are settled
    _networks: dict[str, Network] = field(default_factory=dict)
    _pools: dict[tuple[str, int], Pool] = field(default_factory=dict)
    _had: dict[tuple[str, str, int], Address] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.carrier = Carrier(self.config.exec_root)
        self.firewall = Firewall(f"orlop-{self.config.root_hash}")
        self.resolver = Resolver(self.config.exec_root)
        for network in self._load():
            self._networks[network.id] = network
        self._add_predefined()

    # --- definitions

    @property
    def path(self) -> Path:
        return self.config.data_root / "orlop" / "networks.json"

    @property
    def alias(self) -> str:
        """The mark on our bridges (ip link's alias)."""
        return f"orlop:{self.config.root_hash}"

    @property
    def marker(self) -> Path:
        """Exists in the exec root once this boot has bridges or rules of ours."""
        return self.config.exec_root / "network" / "active"

    def _load(self) -> list[Network]:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return [model.network_from_json(entry) for entry in json.loads(raw)["networks"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = _whole_entries(raw.decode("utf-8", "replace"))
            try:
                aside = files.set_aside(self.path, raw)
            except OSError as e:
                raise SystemFailure(f"damaged record {self.path}: {error}; {e}") from None
            _log.error(
                "damaged record %s: %s; %d networks in it are whole and kept, the file is now %s",
                self.path, error, len(found), aside,
            )  # fmt: skip
            return found

    def save(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stored = [n.to_record() for n in self._networks.values()]
        document = {"version": 1, "networks": stored}
        files.write_atomic(self.path, json.dumps(document, indent=1).encode())

    def _add_predefined(self) -> None:
        known = {network.name for network in self._networks.values()}
        missing = [n for n in model.PREDEFINED if n not in known]
        for name in missing:
            driver = "null" if name == "none" else name
            network = Network(secrets.token_hex(32), name, timestamp(), driver)
            self._networks[network.id] = network
        if missing:
            self.save()

    def put(self, network: Network) -> None:
        """List a new or changed definition; its pools start anew."""
        with self.lock:
            self._networks[network.id] = network
            for version in (4, 6):
                self._pools.pop((network.id, version), None)

    def discard(self, network: Network) -> None:
        with self.lock:
            self._networks.pop(network.id, None)
            self.up.discard(network.id)
            for version in (4, 6):
                self._pools.pop((network.id, version), None)

    def all(self) -> list[Network]:
        with self.lock:
            return list(self._networks.values())

    def find(self, id: str) -> Network | None:
        """By full ID only."""
        return self._networks.get(id)

    def named(self, name: str) -> Network | None:
        return next((n for n in self.all() if n.name == name), None)

    def get(self, ref: str) -> Network:
        """Full ID, name, then unique prefix of an ID. Raises NotFound, InvalidArgument."""
        wanted = "bridge" if ref == "default" else ref
        found = self.find(wanted) or self.named(wanted)
        if found is None and wanted:
            matches = [n for n in self.all() if n.id.startswith(wanted)]
            if len(matches) > 1:
                raise InvalidArgument(
                    f"network {ref} is ambiguous ({len(matches)} matches found based on ID prefix)"
                )
            found = matches[0] if matches else None
        if found is None:
            raise NotFound(f"network {ref} not found")
        return found

    # --- addresses

    def pool(self, network: Network, version: int) -> Pool | None:
        """The pool of a network's addresses, with gateway and auxiliary addresses taken."""
        block = network.block(version)
        if block is None:
            return None
        key = (network.id, version)
        pool = self._pools.get(key)
        if pool is None:
            pool = Pool(block.subnet, block.range)
            for address in {block.gateway, *block.auxiliary.values()} - {None}:
                assert address is not None
                pool.take(address)
            for endpoint in self.endpoints(network.id):
                held = endpoint.ipv4 if version == 4 else endpoint.ipv6
                if held is not None and not pool.used(held):
                    pool.take(held)
            self._pools[key] = pool
        return pool

    def allocate(
        self, network: Network, version: int, container_id: str, wanted: Address | None
    ) -> Address | None:
        """An address for a container; None if the network has no such family."""
        pool = self.pool(network, version)
        if pool is None:
            return None
        if wanted is not None:
            pool.take(wanted)
            return wanted
        preferred = self._had.get((network.id, container_id, version))
        return pool.allocate(time.monotonic(), preferred)

    def release(self, endpoint: Endpoint, *, unused: bool = False) -> None:
        """Give back its addresses. `unused`: no container ever had them."""
        for version, address in ((4, endpoint.ipv4), (6, endpoint.ipv6)):
            pool = self._pools.get((endpoint.network_id, version))
            if address is not None and pool is not None:
                pool.release(address, time.monotonic(), unused=unused)
                self._had[endpoint.network_id, endpoint.container_id, version] = address
        while len(self._had) > _REMEMBERED:
            del self._had[next(iter(self._had))]

    def endpoints(self, network_id: str) -> list[Endpoint]:
        """Who is attached to a network."""
        with self.lock:
            return [
                s.endpoints[network_id]
                for s in self.sandboxes.values()
                if network_id in s.endpoints
            ]

    def publish_event(self, action: str, network: Network, **attributes: str) -> None:
        known = {"name": network.name, "type": network.driver}
        self.events.publish("network", action, network.id, {**attributes, **known})

    # --- verbs that other rooms call on the noun; each lives in the file of its name

    def attach(
        self,
        container_id: str,
        name: str,
        hostname: str,
        host_config: Mapping[str, Any],
        settings: Mapping[str, Any],
        config: Mapping[str, Any],
    ) -> Attachment:
        from orlop.network.attach import attach

        return attach(self, container_id, name, hostname, host_config, settings, config)

    def detach(self, container_id: str) -> None:
        from orlop.network.detach import detach

        detach(self, container_id)

    def restore(
        self,
        container_id: str,
        settings: Mapping[str, Any],
        name: str = "",
        hostname: str = "",
        host_config: Mapping[str, Any] | None = None,
    ) -> None:
        from orlop.network.restore import restore

        restore(self, container_id, settings, name, hostname, host_config or {})

    def sweep(self, live: set[str]) -> None:
        from orlop.network.sweep import sweep

        sweep(self, live)

    def published(self, container_id: str) -> list[Published]:
        """The host ports that lead to a container."""
        with self.lock:
            sandbox = self.sandboxes.get(container_id)
            return list(sandbox.published) if sandbox is not None else []

    def rename(self, container_id: str, name: str) -> None:
        """A container got another name: `--link`, inspect and the resolver know it by that."""
        from orlop.network.called import renamed

        renamed(self, container_id, name)

    def close(self) -> None:
        """Let go; bridges, rules, proxy and containers stay."""
        self.carrier.close()
        self.resolver.close()
        self.firewall.close()
        with self.lock:
            for sandbox in self.sandboxes.values():
                close_sockets(sandbox)


def close_sockets(sandbox: Sandbox) -> None:
    """Our copies of the sockets that keep its ports taken."""
    sockets, sandbox.sockets = sandbox.sockets, []
    for sock in sockets:
        sock.close()


def timestamp() -> str:
    """Now, RFC 3339 with nanoseconds."""
    ns = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


def _whole_entries(text: str) -> list[Network]:
    """What can be read of a damaged record: its entries up to the damage."""
    found: list[Network] = []
    decoder = json.JSONDecoder()
    at = text.find("[") + 1
    while at:
        while text[at : at + 1] in (" ", "\n", ","):
            at += 1
        try:
            entry, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        try:
            found.append(model.network_from_json(entry))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found
