"""A container's mount points: made at create, found at start, given back at removal.

It joins the mount requests (mounts.py, pure) with the volume room, the host's directories and the
image's content.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from orlop.container import copyup, imagemounts, mounts, propagation, rootfs, userns
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.specmounts import UserMount, from_point
from orlop.container.view import subpath_of
from orlop.errors import InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.kernel.mount import OVERLAY_MAGIC, filesystem_magic
from orlop.oci.idmap import IDMap
from orlop.paths import Root
from orlop.storage.driver import Owners

log = logging.getLogger(__name__)

Json = dict[str, Any]

TRANSIENT = "OrlopBuild"  # of a build's step
ANONYMOUS = "com.docker.volume.anonymous"
_LINGER = 10.0  # seconds the root stays mounted after a create that needed it


def resolve(
    containers: Containers, id: str, config: Json, host: Json, undo: Callable[[Any], object]
) -> tuple[Json, list[Json]]:
    """(MountPoints of a new record, those whose volume wants the image's content).

    `undo` is given a callable per volume reference taken.
    """
    requests = mounts.from_options(host)
    points: Json = {}
    fill: list[Json] = []
    for spec in host.get("VolumesFrom") or ():
        reference, mode = mounts.parse_volumes_from(spec)
        try:
            donor = containers.get(reference)
        except NotFound as error:
            raise InvalidArgument(error.message) from None
        points.update(mounts.inherited(donor.record.get("MountPoints") or {}, mode))
    for point in points.values():
        if point.get("Type") == "volume":
            _acquire(containers, point["Name"], id, undo)
    for request in requests:
        points[request["Target"]] = _point(containers, id, request, fill, undo)
    taken = {*points, *(mounts.clean(t) for t in host.get("Tmpfs") or {})}
    for target in config.get("Volumes") or {}:
        target = mounts.clean(target)
        if target not in taken:
            request = {"Type": "volume", "Target": target, "Mode": ""}
            point = _point(containers, id, request, fill, undo)
            point["Spec"] = {}
            points[target] = point
    return points, fill


def _point(
    containers: Containers, id: str, request: Json, fill: list[Json], undo: Callable[[Any], object]
) -> Json:
    kind = request["Type"]
    if kind == "tmpfs":
        return mounts.point(request, source="", name="", driver="", identity="")
    if kind == "image":
        return imagemounts.point(containers, id, request, undo)
    if kind == "bind":
        source = request["Source"]
        made = mounts.point(request, source=source, name="", driver="", identity="")
        if made["SkipMountpointCreation"] and not os.path.lexists(source):
            raise InvalidArgument(
                f'invalid mount config for type "bind": bind source path does not exist: {source}'
            )
        return made
    options = request.get("VolumeOptions") or {}
    driver = options.get("DriverConfig") or {}
    labels = dict(options.get("Labels") or {})
    if not request.get("Source"):
        labels[ANONYMOUS] = ""
    volume = containers.volumes.create(
        request.get("Source") or None,
        driver.get("Name") or "local",
        driver.get("Options") or {},
        labels,
    )
    if not request.get("Source"):
        undo(lambda: containers.volumes.remove(volume.name, force=True))
    _acquire(containers, volume.name, id, undo)
    source = str(containers.volumes.mountpoint(volume.name))
    made = mounts.point(
        request,
        source=source,
        name=volume.name,
        driver=driver.get("Name") or "local",
        identity=secrets.token_hex(32),
    )
    if not options.get("NoCopy"):
        fill.append(made)
    return made


def _acquire(containers: Containers, name: str, id: str, undo: Callable[[Any], object]) -> None:
    containers.volumes.acquire(name, id)
    undo(lambda: containers.volumes.release(name, id))


def prepare(containers: Containers, container: Container, fill: list[Json], cwd: str) -> None:
    """Copy the image's content into empty volumes and make the working directory.

    The root is mounted only if one of them needs it, and stays so for the start that follows, but
    not for one in a user namespace, which wants other owners.
    """
    wanting = [p for p in fill if copyup.is_empty(p["Source"])]
    if not wanting and cwd in ("", "/"):
        return
    with ExitStack() as stack:
        if userns.wanted(containers, container):
            path = stack.enter_context(rootfs.mounted(containers, container))
        else:
            path = rootfs.linger(containers, container, _LINGER)
        root = stack.enter_context(Root(path))
        if cwd not in ("", "/"):
            make_directory(root, cwd)
        for point in wanting:
            try:
                copyup.fill(root, point["Destination"], point["Source"])
            except OSError as error:
                raise SystemFailure(
                    f"failed to populate volume: {error.strerror}: {point['Destination']}"
                ) from error


def make_directory(root: Root, path: str, uid: int = 0, gid: int = 0) -> None:
    """The working directory, 0755. Raises SystemFailure with Docker's text for a file."""
    try:
        os.close(root.mkdir_all(path, 0o755, uid, gid))
    except FileNotFoundError:
        pass  # a link that leads nowhere: the runtime says so at start
    except (NotADirectoryError, FileExistsError):
        raise SystemFailure(f"Cannot mkdir: {path} is not a directory") from None
    except OSError as error:
        raise SystemFailure(f"Cannot mkdir: {path}: {error.strerror}") from None


def sources(
    containers: Containers,
    record: Json,
    host: Json,
    shown: IDMap | None,
    undo: Callable[[Any], object],
) -> list[UserMount]:
    """Every user mount with the host path it comes from; missing bind sources of `-v` are made.

    `shown`: the IDs of the container's user namespace; in volumes its files are those of 0 and up
    all the same, in directories of the host they are not, as in Docker. `undo` is given a callable
    per volume that was mounted for this container.
    """
    out = []
    for point in (record.get("MountPoints") or {}).values():
        kind, inside = point.get("Type"), subpath_of(point)
        mapped = False
        if kind == "volume":
            mapped = not containers.volumes.is_foreign(point["Name"])
            source = str(containers.volumes.mount(point["Name"], record["ID"]))
            undo(lambda name=point["Name"]: containers.volumes.unmount(name, record["ID"]))
            _tell_mount(containers, record["ID"], point)
        elif kind == "image":
            with _owners(containers, shown) as owners:
                source = imagemounts.mount(containers, point, owners)
        elif kind == "bind":
            source = point["Source"]
            root = shown.root if shown else (0, 0)
            _bind_source(source, root, make=not point.get("SkipMountpointCreation"))
            mapped = bool(record.get(TRANSIENT)) and may_be_mapped(source)
            propagation.check(source, point.get("Propagation") or "")
        else:
            source = ""
        if inside:
            _check_subpath(source, inside)
        out.append(from_point(point, source, inside, mapped=mapped))
    for target, options in (host.get("Tmpfs") or {}).items():
        out.append(UserMount(mounts.clean(target), options=tuple(options.split(","))))
    return out


@contextmanager
def _owners(containers: Containers, shown: IDMap | None) -> Iterator[Owners | None]:
    if shown is None:
        yield None
        return
    with userns.owners(containers, shown) as owners:
        yield owners


def may_be_mapped(source: str) -> bool:
    """Of a build step's mounts, all of which are ours: the kernel maps no overlay."""
    fd = os.open(source, os.O_PATH | os.O_CLOEXEC)
    try:
        return filesystem_magic(fd) != OVERLAY_MAGIC
    finally:
        os.close(fd)


def hold(containers: Containers, record: Json) -> None:
    """A running container that an earlier daemon started: its volumes stay mounted."""
    for point in (record.get("MountPoints") or {}).values():
        if point.get("Type") == "volume":
            try:
                containers.volumes.mount(point["Name"], record["ID"])
            except OrlopError as error:
                log.warning("volume of container %s: %s", record["ID"][:12], error.message)


def leave(containers: Containers, record: Json) -> None:
    """The container ended: the last one that ran with a volume takes its mount with it."""
    for point in (record.get("MountPoints") or {}).values():
        if point.get("Type") == "volume":
            try:
                containers.volumes.unmount(point["Name"], record["ID"])
            except OrlopError as error:
                log.warning("volume of container %s: %s", record["ID"][:12], error.message)
            told = {"container": record["ID"], "driver": point.get("Driver") or "local"}
            containers.events.publish("volume", "unmount", point["Name"], told)


def _tell_mount(containers: Containers, id: str, point: Json) -> None:
    told = {
        "container": id,
        "destination": point["Destination"],
        "driver": point.get("Driver") or "local",
        "propagation": point.get("Propagation") or "",
        "read/write": str(bool(point.get("RW", True))).lower(),
    }
    containers.events.publish("volume", "mount", point["Name"], told)


def _bind_source(source: str, owner: tuple[int, int], *, make: bool) -> None:
    if os.path.lexists(source):
        return
    if not make:
        raise InvalidArgument(
            f'invalid mount config for type "bind": bind source path does not exist: {source}'
        )
    try:
        os.makedirs(source, 0o755, exist_ok=True)
        if owner != (0, 0):
            os.chown(source, *owner)  # it was made for the container: its root may write there
    except OSError as error:
        raise SystemFailure(
            f"error while creating mount source path '{source}': "
            f"mkdir {source}: {(error.strerror or '').lower()}"
        ) from None


def _check_subpath(volume: str, subpath: str) -> None:
    """Say in Docker's words what is wrong with it. What is mounted is opened again, in the volume,
    by the launch: others may change the volume meanwhile."""
    with Root(volume) as root:
        try:
            os.close(root.beneath(subpath))
            return
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise SystemFailure(
                    "path concatenation escapes the base directory, "
                    f"base: {volume}, subpath: {subpath}"
                ) from None
            reason = (error.strerror or "").lower()
        missing = ""
        for name in subpath.split("/"):
            missing += f"/{name}"
            if not root.exists(missing):
                break
    raise SystemFailure(f"cannot access path {volume}/{subpath}: lstat {volume}{missing}: {reason}")


def release(containers: Containers, record: Json, id: str, *, remove_anonymous: bool) -> None:
    """Give back every volume; remove the anonymous ones nobody else uses if asked to."""
    for point in (record.get("MountPoints") or {}).values():
        if point.get("Type") != "volume":
            continue
        containers.volumes.release(point["Name"], id)
        if remove_anonymous and not (point.get("Spec") or {}).get("Source"):
            try:
                containers.volumes.remove(point["Name"])
            except OrlopError:
                pass  # another container uses it
