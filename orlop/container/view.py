"""A container's filesystem as a `Root`: how it looks from inside, running or stopped.

Running: the process's own root (`/proc/PID/root`), with the volumes mounted where the container
sees them. Stopped: the writable layer is mounted, and when volumes lie over it a small helper in a
mount namespace of its own puts them there; the host's mount table never sees them.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orlop
from orlop.container import rootfs, userns
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.errors import Conflict, SystemFailure
from orlop.kernel import pidfd
from orlop.oci.idmap import IDMap
from orlop.paths import Root

Json = dict[str, Any]


@contextmanager
def layer_view(containers: Containers, container: Container) -> Iterator[Root]:
    """Image and writable layer merged, without volumes (what `export` and `commit` mean)."""
    with rootfs.mounted(containers, container) as merged, Root(merged) as root:
        yield root


@contextmanager
def inside_view(containers: Containers, container: Container) -> Iterator[Root]:
    """What the container sees, volumes included (what `cp` means)."""
    fd = _process_root(container)
    if fd >= 0:
        with _rooted(fd) as root:
            yield root
        return
    mounts = _volumes(container)
    with rootfs.mounted(containers, container) as merged:
        with Root(merged) as root:
            if not mounts:
                yield root
                return
            _make_mount_points(root, mounts)
        with _mounted(merged, mounts) as combined:
            yield combined


def view_map(container: Container) -> IDMap | None:
    """Whose IDs the files in `inside_view` show, when they are not the container's own."""
    if container.state.running and container.state.pid:
        return userns.of_process(container.state.pid)
    return container.rootfs_map


@contextmanager
def running_root(container: Container) -> Iterator[Root]:
    """The root of a running container's first process. Raises Conflict when there is none."""
    fd = _process_root(container)
    if fd < 0:
        raise Conflict(f"container {container.id} is not running")
    with _rooted(fd) as root:
        yield root


@contextmanager
def _rooted(fd: int) -> Iterator[Root]:
    try:
        with Root(fd) as root:
            yield root
    finally:
        os.close(fd)


def _process_root(container: Container) -> int:
    """The root directory of the first process, checked to be still the same process; -1 without
    one. That it ends is not recorded at once."""
    pid = container.state.pid
    if not container.state.running or not pid:
        return -1
    try:
        handle = pidfd.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    try:
        fd = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            pidfd.send_signal(handle, 0)  # alive now, so the path above was its own
        except OSError:
            os.close(fd)
            raise
    except (ProcessLookupError, FileNotFoundError):
        return -1
    except OSError as e:
        raise SystemFailure(f"root of container {container.id}: {e.strerror}") from e
    finally:
        os.close(handle)
    return fd


def subpath_of(point: Json) -> str:
    """The part of its volume or image that a mount point shows, "" for all of it."""
    spec = point.get("Spec") or {}
    options = spec.get("VolumeOptions") or spec.get("ImageOptions") or {}
    return str(options.get("Subpath") or "")


class _Volume(NamedTuple):
    source: str  # host path
    subpath: str  # of what is at it only this
    destination: str
    read_only: bool


def _volumes(container: Container) -> list[_Volume]:
    """In mounting order."""
    points = container.record.get("MountPoints") or {}
    out = []
    for destination, point in sorted(points.items(), key=lambda item: item[0].count("/")):
        source = point.get("Source") or ""
        if point.get("Type") == "volume" and not source:
            continue
        if source and os.path.exists(source):
            read_only = not point.get("RW", True)
            out.append(_Volume(source, subpath_of(point), destination, read_only))
    return out


def _make_mount_points(root: Root, mounts: list[_Volume]) -> None:
    """A container that never ran lacks the directories that a start makes."""
    for volume in mounts:
        if root.exists(volume.destination, follow=True) or not os.path.isdir(volume.source):
            continue
        with Root(volume.source) as shown:
            if not volume.subpath or _is_directory(shown, volume.subpath):
                os.close(root.mkdir_all(volume.destination))


def _is_directory(root: Root, path: str) -> bool:
    try:
        return stat.S_ISDIR(root.stat(path, follow=True).st_mode)
    except OSError:
        return False


@contextmanager
def _mounted(merged: str, mounts: list[_Volume]) -> Iterator[Root]:
    program = Path(orlop.__file__).parent / "runtime" / "viewer.py"
    arguments = [
        word
        for m in mounts
        for word in (m.source, m.subpath, m.destination, "ro" if m.read_only else "rw")
    ]
    helper = subprocess.Popen(
        [sys.executable, "-I", "-S", str(program), merged, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
    )
    assert helper.stdin is not None
    assert helper.stdout is not None
    assert helper.stderr is not None
    try:
        if helper.stdout.readline() != b"ready\n":
            raise SystemFailure(helper.stderr.read().decode("utf-8", "replace").strip())
        with Root(f"/proc/{helper.pid}/cwd") as root:
            yield root
    finally:
        helper.stdin.close()  # it leaves, and its mount namespace with it
        helper.stdout.close()
        helper.stderr.close()
        helper.wait()
