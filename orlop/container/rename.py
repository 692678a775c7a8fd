"""Give a container another name."""

from __future__ import annotations

from orlop.container import names
from orlop.container.containers import Containers
from orlop.container.model import Container, Json
from orlop.errors import Conflict, InvalidArgument, OrlopError


def rename(containers: Containers, ref: str, new_name: str) -> None:
    """Durable: the record with the new name is on disk before the old one is free."""
    if not ref or not new_name:
        raise InvalidArgument("Neither old nor new names may be empty")
    container = containers.get(ref)
    with container.lock:
        old = container.name
        if new_name.removeprefix("/") == old:
            raise InvalidArgument("Renaming a container with the same name as its current name")
        if container.state.removing or container.state.dead:
            raise Conflict(f"container {container.id} is being removed")
        try:
            bare = names.check("/" + new_name.removeprefix("/"))
            containers.reserve(bare, container.id)
        except OrlopError as error:
            raise type(error)(f"Error when allocating new name: {error.message}") from None
        container.name = bare
        try:
            container.save(_renamed(container), durable=True)
        except BaseException:
            container.name = old
            containers.release(bare, container.id)
            raise
        containers.release(old, container.id)
        containers.touch_linked(container)
        containers.networks.rename(container.id, bare)
        containers.publish(container, "rename", oldName=f"/{old}")


def _renamed(container: Container) -> Json:
    """Its record; a running container is known to its networks under other names."""
    record = container.record
    if container.state.running:
        hostname = (record.get("Config") or {}).get("Hostname") or ""
        for endpoint in (record["NetworkSettings"].get("Networks") or {}).values():
            names = (container.name, *(endpoint.get("Aliases") or ()), container.id[:12], hostname)
            endpoint["DNSNames"] = list(dict.fromkeys(filter(None, names)))
    return record
