"""Put a container on one more network, or take it off one, running or not."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from orlop.container import endpoints, hostfiles, merge
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict, Forbidden, InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.network import connect as networking

log = logging.getLogger(__name__)

Json = dict[str, Any]


def connect(containers: Containers, network: str, ref: str, settings: Json | None = None) -> None:
    """`settings`: EndpointConfig of the API. A stopped container is connected when it starts."""
    container = containers.get(ref)
    with container.lock:
        _check(container)
        mode = container.host_config["NetworkMode"]
        try:
            found = networking.check(containers.networks, network, mode, settings or {})
        except NotFound:
            if container.state.running:
                raise
            name = network  # as Docker: start says that it is missing
        else:
            name = found.name
        wanted = merge.endpoint(settings)
        runs = container.state.running and container.state.pid
        if not runs or not _connect_running(containers, container, name, wanted):
            _connect_stopped(container, name, wanted, settings or {})


def _connect_stopped(container: Container, name: str, wanted: Json, settings: Json) -> None:
    with container.changing() as record:
        known = record["NetworkSettings"].setdefault("Networks", {})
        if name in known and not settings:
            return
        if name not in endpoints.PREDEFINED:
            names = [container.name, *(wanted["Aliases"] or ()), container.id[:12]]
            wanted["DNSNames"] = list(dict.fromkeys(names))
        known[name] = wanted


def _connect_running(containers: Containers, container: Container, name: str, wanted: Json) -> bool:
    """False: it ended just now, which is recorded behind this."""
    made = networking.connect(
        containers.networks, container.id, name, wanted, container.host_config
    )
    try:
        containers.keeper.netops(container.id, made.host_ops, made.container_ops)
    except OrlopError as error:
        networking.disconnect(containers.networks, container.id, name)
        if not containers.keeper.is_alive(container.id):
            return False
        raise SystemFailure(f"failed to connect to network {name}: {error.message}") from error
    with container.changing() as record:
        record["NetworkSettings"].setdefault("Networks", {})[made.name] = made.settings
        _edit_hosts(record.get("HostsPath") or "", add=made.hosts)
    if made.resolv_conf:
        hostfiles.write_resolv_conf(container.directory, made.resolv_conf)
    return True


def disconnect(containers: Containers, network: str, ref: str, *, force: bool = False) -> None:
    """`force`: also from a network that is gone."""
    if not ref:  # Docker looks for the network first
        containers.networks.get(network)
    try:
        container = containers.get(ref)
    except NotFound:
        if force:
            containers.networks.get(network)
            raise NotFound(f"endpoint {ref} not found") from None
        raise
    with container.lock:
        _check(container)
        record = container.record
        known = record["NetworkSettings"].get("Networks") or {}
        name = _name(containers, network, known, force)
        if not (container.state.running and container.state.pid):
            if name not in known:
                raise SystemFailure(
                    f"container {container.id} is not connected to the network {name}"
                )
            _forget(container, name)
            return
        if name == "host" and name in known:
            raise InvalidArgument(
                "cannot disconnect container from host network - container was created in host "
                "network mode"
            )
        try:
            gone = networking.disconnect(containers.networks, container.id, name)
        except Forbidden as error:
            raise SystemFailure(error.message) from None
        containers.keeper.netops(container.id, gone.host_ops, gone.container_ops)
        _edit_hosts(record.get("HostsPath") or "", drop=gone.hosts)
        _forget(container, name)


def _check(container: Container) -> None:
    if container.damaged or container.state.removing or container.state.dead:
        raise Conflict(f"container {container.id} is marked for removal and cannot be connected")


def _name(containers: Containers, network: str, known: Json, force: bool) -> str:
    try:
        return containers.networks.get(network).name
    except NotFound:
        if network in known and force:
            return network
        raise


def _forget(container: Container, name: str) -> None:
    with container.changing() as record:
        (record["NetworkSettings"].get("Networks") or {}).pop(name, None)


def _edit_hosts(path: str, *, add: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
    """In place: the container has this very file mounted."""
    if not path or not (add or drop):
        return
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with os.fdopen(fd, "r+", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read(hostfiles.LONGEST + 1)
        if len(text) > hostfiles.LONGEST:
            log.warning("%s is too long to be edited", path)
            return
        lines = [line for line in text.splitlines() if line not in drop]
        file.seek(0)
        file.write("".join(f"{line}\n" for line in [*lines, *add]))
        file.truncate()
