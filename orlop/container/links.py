"""Legacy `--link` on the default bridge: a second name `/owner/alias` of the linked container.

Derived from `HostConfig.Links` of the owners, nothing of its own is stored. On user-defined
networks a link is an alias of the endpoint, and no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orlop.container.model import Container
from orlop.errors import Conflict, InvalidArgument, NotFound, SystemFailure
from orlop.network.links import parse

if TYPE_CHECKING:
    from orlop.container.containers import Containers

_SHADOWED = ("HOME", "PATH")


def links(containers: Containers, owner: Container) -> Iterator[tuple[str, str, Container]]:
    """(the link as given, alias, linked container); links to what is gone are left out."""
    host = owner.host_config
    if (host.get("NetworkMode") or "bridge") not in ("bridge", "default"):
        return
    for link in host.get("Links") or ():
        try:
            name, alias = parse(link)
            yield link, alias, containers.get(name)
        except (NotFound, InvalidArgument):
            continue


def shown(containers: Containers, owner: Container) -> list[str] | None:
    """HostConfig.Links as Docker shows them: `/child:/owner/alias`."""
    given = owner.host_config.get("Links")
    if not given:
        return None
    if (owner.host_config.get("NetworkMode") or "bridge") not in ("bridge", "default"):
        return None
    found = links(containers, owner)
    return [f"/{child.name}:/{owner.name}/{alias}" for _, alias, child in found] or None


def environment(containers: Containers, owner: Container) -> list[str]:
    """ALIAS_ENV_* variables: what the linked container was given."""
    out = []
    for _, alias, child in links(containers, owner):
        prefix = alias.replace("-", "_").upper()
        for variable in child.config.get("Env") or ():
            key, separator, value = variable.partition("=")
            if separator and key not in _SHADOWED:
                out.append(f"{prefix}_ENV_{key}={value}")
    return out


def register(containers: Containers, owner: Container) -> None:
    """Make its links known as names."""
    if owner.host_config.get("Links"):
        found = {alias: child.id for _, alias, child in links(containers, owner)}
        containers.relink(owner, found)


def unlink(containers: Containers, ref: str) -> None:
    """Take the name `owner/alias` away; the containers stay. Raises NotFound, SystemFailure."""
    containers.get(ref)
    owner_name, separator, alias = ref.removeprefix("/").partition("/")
    if not separator:
        raise SystemFailure("Conflict, cannot remove the default link name of the container")
    owner = containers.get(owner_name)
    with owner.lock:
        if owner.state.removing:
            raise Conflict(f"removal of container {owner.id} is already in progress")
        gone = {link for link, found, _ in links(containers, owner) if found == alias}
        host = owner.host_config
        host["Links"] = [link for link in host["Links"] if link not in gone] or None
        owner.save(host_config=host)
        containers.relink(owner, {a: child.id for _, a, child in links(containers, owner)})
