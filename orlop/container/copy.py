"""`docker cp`: archives out of and into a container's filesystem.

`HEAD/GET/PUT /containers/{id}/archive`. Every path is resolved inside the container's tree by
descriptor; unpacking happens in the confined worker that also unpacks layers.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.times import stamp
from orlop.container.userns import owners
from orlop.container.view import inside_view, view_map
from orlop.errors import Forbidden, InvalidArgument, NotFound
from orlop.oci.filemode import to_go
from orlop.paths import Root
from orlop.storage.pack import pack
from orlop.storage.unpack import unpack


@dataclass(frozen=True, slots=True)
class PathStat:
    name: str
    size: int
    mode: int  # Go's os.FileMode bits
    mtime: str
    link_target: str

    def header(self) -> str:
        """The value of X-Docker-Container-Path-Stat."""
        document = {
            "name": self.name,
            "size": self.size,
            "mode": self.mode,
            "mtime": self.mtime,
            "linkTarget": self.link_target,
        }
        return base64.b64encode(msgspec.json.encode(document)).decode()


def archive_stat(containers: Containers, ref: str, path: str) -> PathStat:
    container = containers.get(ref)
    with inside_view(containers, container) as root:
        return _stat(ref, root, path)


def archive_get(containers: Containers, ref: str, path: str) -> tuple[PathStat, Iterator[bytes]]:
    """What `path` is, and its tar named by the last component. Close the iterator when done."""
    container = containers.get(ref)
    found = _Stream(containers, container, ref, path)
    return next(found.status), found.chunks()


def archive_put(
    containers: Containers,
    ref: str,
    path: str,
    archive: BinaryIO,
    *,
    no_overwrite_dir_non_dir: bool = False,
    copy_uid_gid: bool = False,
) -> None:
    """Unpack `archive` into the directory `path`.

    Raises NotFound, InvalidArgument (not a directory), Forbidden (read-only).
    """
    container = containers.get(ref)
    host = container.host_config
    with inside_view(containers, container) as root:
        try:
            fd = root.opath(path or "/")
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(ref, path) from None
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                raise InvalidArgument("extraction point is not a directory")
            _check_writable(container, root, path, bool(host.get("ReadonlyRootfs")))
            owner = None
            if copy_uid_gid and container.config.get("User"):
                from orlop.container.users import resolve

                who = resolve(root, container.config["User"])
                owner = (who.uid, who.gid)
            shown = view_map(container)
            with ExitStack() as stack:
                namespace = -1
                if shown is not None:
                    namespace = stack.enter_context(owners(containers, shown)).namespace
                unpack(
                    archive,
                    root_fd=root.fd,
                    base=os.fsdecode(root.resolve(path or "/")),
                    keep_directories=no_overwrite_dir_non_dir,
                    owner=owner,
                    namespace=namespace,
                )
        finally:
            os.close(fd)
    containers.publish(container, "extract-to-dir")


class _Stream:
    """Holds the view open from the stat until the last chunk."""

    def __init__(self, containers: Containers, container: Container, ref: str, path: str) -> None:
        self._containers = containers
        self._container = container
        self._ref = ref
        self._path = path
        self._run = self._all()
        self.status: Iterator[PathStat] = (s for s in self._run if isinstance(s, PathStat))

    def _all(self) -> Iterator[PathStat | bytes]:
        with inside_view(self._containers, self._container) as root:
            found = _stat(self._ref, root, self._path)
            yield found
            path = self._path
            follow = path.endswith(("/", "/."))
            target = root.resolve(path) if follow else os.fsencode(path)
            name = found.name or "/"
            shown = view_map(self._container)
            yield from pack(root, target, "." if name == "/" else name, shown)
        self._containers.publish(self._container, "archive-path")

    def chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self._run:
                assert isinstance(chunk, bytes)
                yield chunk
        finally:
            self._run.close()  # type: ignore[attr-defined]


def _stat(ref: str, root: Root, path: str) -> PathStat:
    if not path:
        raise InvalidArgument("bad parameter: path cannot be empty")
    follow = path.endswith(("/", "/."))
    try:
        status = root.stat(path, follow=follow)
        if follow and not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError
        target = ""
        if stat.S_ISLNK(status.st_mode):
            target = os.fsdecode(root.resolve(path))
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(ref, path) from None
    name = "." if path.endswith("/.") else os.path.basename(os.path.normpath("/" + path)) or "/"
    return PathStat(name, status.st_size, to_go(status.st_mode), stamp(status.st_mtime_ns), target)


def _missing(ref: str, path: str) -> NotFound:
    return NotFound(f"Could not find the file {path} in container {ref}")


def _check_writable(container: Container, root: Root, path: str, read_only: bool) -> None:
    resolved = os.fsdecode(root.resolve(path))
    best = None
    for destination, point in (container.record.get("MountPoints") or {}).items():
        inside = resolved == destination or resolved.startswith(destination.rstrip("/") + "/")
        if inside and (best is None or len(destination) > len(best[0])):
            best = (destination, point)
    if best is not None:
        if not best[1].get("RW", True):
            raise Forbidden("mounted volume is marked read-only")
        return
    if read_only:
        raise Forbidden("container rootfs is marked read-only")
