"""Which user namespace a container gets: `--userns` and the daemon's `userns-remap`.

"" is the daemon's mapping (none without userns-remap), "host" none, "auto[:size=N]" a range of IDs
that no other container has. Joining a namespace of another container means joining its user
namespace too, as in Docker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from orlop.container.containers import Containers
from orlop.container.model import Container, joined
from orlop.container.users import highest_id
from orlop.errors import Conflict, InvalidArgument, SystemFailure
from orlop.image.model import Image
from orlop.oci import idmap
from orlop.oci.idmap import IDMap
from orlop.paths import Root
from orlop.storage.driver import Owners

Json = dict[str, Any]

RECORD = "OrlopIDMap"  # of config.v2.json: the range of an `auto` container
_LEAST, _MOST = 1024, 65536  # IDs of a range whose size nobody named
_SIZE = re.compile(r"size=([1-9][0-9]{0,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class UserNamespace:
    idmap: IDMap
    donor: str = ""  # ID of the container whose namespace it is


def check(host: Json) -> None:
    """The word alone. Raises InvalidArgument."""
    mode = str(host.get("UsernsMode") or "")
    if mode in ("", "host"):
        return
    if not is_auto(mode):
        raise InvalidArgument(f"invalid user namespace mode: {mode}")
    _size(mode)


def is_auto(mode: str) -> bool:
    return mode == "auto" or mode.startswith("auto:")


def conflicts(host: Json, *, remapped: bool) -> None:
    """What a container with a user namespace cannot be. Raises InvalidArgument, Docker's texts."""
    mode = str(host.get("UsernsMode") or "")
    if not (is_auto(mode) or (remapped and mode == "")):
        return
    if host.get("Privileged"):
        raise InvalidArgument(
            "privileged mode is incompatible with user namespaces.  You must run the container "
            "in the host namespace when running privileged mode"
        )
    if host.get("NetworkMode") == "host":
        raise InvalidArgument(
            "cannot share the host's network namespace when user namespaces are enabled"
        )
    if host.get("PidMode") == "host":
        raise InvalidArgument(
            "cannot share the host PID namespace when user namespaces are enabled"
        )


def _size(mode: str) -> int:
    """0: as the image needs."""
    size = 0
    for word in mode.partition(":")[2].split(",") if ":" in mode else ():
        match = _SIZE.fullmatch(word)
        if match is None:
            raise InvalidArgument(
                f"invalid user namespace mode: {mode}: auto takes size=NUMBER and nothing else"
            )
        size = int(match[1])
    return size


def claim(containers: Containers, id: str, host: Json, image: Image | None) -> IDMap | None:
    """The range of a new `auto` container; the caller gives it back when it fails."""
    mode = str(host["UsernsMode"])
    if not is_auto(mode) or any(joined(host[k]) for k in ("NetworkMode", "PidMode", "IpcMode")):
        return None
    return containers.ranges.claim(id, _size(mode) or _needed(containers, image))


def _needed(containers: Containers, image: Image | None) -> int:
    """Room for every user and group that the image names."""
    if image is None or image.chain is None:
        return _LEAST
    view = containers.layers.view(image.chain)
    try:
        with Root(view) as root:
            return min(_MOST, max(_LEAST, highest_id(root) + 1))
    finally:
        os.close(view)


def wanted(containers: Containers, container: Container) -> bool:
    """Will it run in a user namespace?"""
    mode = str(container.host_config.get("UsernsMode") or "")
    return mode != "host" and (is_auto(mode) or containers.remap is not None)


def of_start(containers: Containers, container: Container, record: Json) -> UserNamespace | None:
    """Of the process about to start; notes a range in `record`. Raises an OrlopError."""
    host = container.host_config
    conflicts(host, remapped=containers.remap is not None)
    mode = str(host.get("UsernsMode") or "")
    if not wanted(containers, container):
        return None
    donors = {joined(host[k]) for k in ("NetworkMode", "PidMode", "IpcMode")} - {""}
    if donors:
        return _shared(containers, donors)
    if not is_auto(mode):
        return UserNamespace(containers.remap) if containers.remap is not None else None
    own = idmap.from_document(record.get(RECORD))
    if own is None:
        own = containers.ranges.claim(container.id, _size(mode) or _LEAST)
        record[RECORD] = own.document()
    return UserNamespace(own)


def _shared(containers: Containers, donors: set[str]) -> UserNamespace:
    found = {ref: containers.get(ref) for ref in sorted(donors)}
    namespaces = {_identity(c.state.pid) for c in found.values()}
    other = next(iter(found.values()))
    shown = of_process(other.state.pid) if -1 not in namespaces else None
    if shown is None or len(namespaces) != 1:
        raise Conflict(
            f"cannot share a namespace with container {other.id}: a container with a user "
            "namespace joins only containers of one and the same; use --userns=host"
        )
    return UserNamespace(shown, other.id)


def _identity(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/user").st_ino
    except OSError:
        return -1


def of_process(pid: int) -> IDMap | None:
    """The mapping a running process lives under; None when it has the daemon's own namespace, or is
    gone. Raises SystemFailure when that cannot be told: it must not pass for our own.
    """
    try:
        if os.stat(f"/proc/{pid}/ns/user").st_ino == os.stat("/proc/self/ns/user").st_ino:
            return None
        texts = []
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
                texts.append(file.read())
        return idmap.from_proc(*texts)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except (OSError, ValueError) as error:
        raise SystemFailure(f"cannot tell the user namespace of process {pid}: {error}") from None


@lru_cache(maxsize=1)
def groups() -> int:
    """How many group IDs this daemon has, itself perhaps in a user namespace."""
    try:
        with open("/proc/self/gid_map", encoding="ascii") as file:
            return min(1 << 31, sum(int(line.split()[2]) for line in file))
    except (OSError, ValueError, IndexError):
        return 1 << 31


@contextmanager
def owners(containers: Containers, shown: IDMap) -> Iterator[Owners]:
    """The mapping as the kernel takes it."""
    fd = containers.keeper.user_namespace(shown.uids, shown.gids)
    try:
        if min(shown.root) < 0:
            raise SystemFailure("the container's user namespace has no root")
        yield Owners(fd, shown.root)
    finally:
        os.close(fd)
