"""Make a control group, set its values, enter it. Runs in the child of the keeper."""

from __future__ import annotations

import errno
import os
import time

_CPUSET = ("cpuset.cpus", "cpuset.mems")
_PATIENCE = 50  # hundredths of a second


def make_group(top: str, relative: str, controllers: str, values: list[tuple[str, str]]) -> None:
    """Make `top`/`relative` new and write `values` (file, text) in order.

    `controllers`: "cpuset" on that v1 hierarchy; "+cpu +memory" to be enabled on the way on v2;
    else "". Raises OSError with the file that refused.
    """
    path = top
    parts = relative.strip("/").split("/")
    for depth, part in enumerate(parts):
        if controllers.startswith("+"):
            _enable(path, controllers)
        path = f"{path}/{part}"
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            if depth == len(parts) - 1:
                _renew(path)
        if controllers == "cpuset":
            _inherit_cpuset(path)
    write_values(path, values)


def write_values(directory: str, values: list[tuple[str, str]]) -> None:
    """Write each (file, text); one open for neighbours that go to the same file.

    "a|b" takes the first file that exists, of a text "x|y" the part at its place.
    """
    fd = -1
    opened = path = ""
    try:
        for name, text in values:
            if "|" in name:
                name, text = _existing(directory, name.split("|"), text.split("|"))
            if name != opened:
                if fd >= 0:
                    os.close(fd)
                    fd = -1
                path = f"{directory}/{name}"
                fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
                opened = name
            try:
                os.write(fd, text.encode())
            except OSError as error:
                told = f"failed to write {text!r}: {os.strerror(error.errno or 0).lower()}"
                raise OSError(error.errno, told, path) from None
    finally:
        if fd >= 0:
            os.close(fd)


def attach(directory: str, pid: int = 0) -> None:
    """Move `pid` (0: the caller) into the group."""
    write_values(directory, [("cgroup.procs", str(pid))])


def _renew(path: str) -> None:
    """A group left by an earlier life of this container: its old limits must not linger."""
    for attempt in range(_PATIENCE):
        try:
            os.rmdir(path)
            break
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            if attempt == _PATIENCE - 1:
                told = "container's cgroup is not empty"
                raise OSError(errno.EBUSY, told, path) from None
        time.sleep(0.01)  # a process that has been reaped leaves its group a moment later
    os.mkdir(path, 0o755)


def _existing(directory: str, names: list[str], texts: list[str]) -> tuple[str, str]:
    for index, name in enumerate(names):
        if index == len(names) - 1 or os.path.exists(f"{directory}/{name}"):
            return name, texts[min(index, len(texts) - 1)]
    raise AssertionError("unreachable")


def _inherit_cpuset(path: str) -> None:
    """A v1 cpuset starts empty and takes no process before it has CPUs and nodes."""
    for name in _CPUSET:
        own = f"{path}/{name}"
        if not _read(own).strip():
            above = _read(f"{os.path.dirname(path)}/{name}")
            write_values(path, [(name, above.strip())])


def _enable(path: str, controllers: str) -> None:
    """Delegate controllers to the children of a v2 group."""
    enabled = _read(f"{path}/cgroup.subtree_control").split()
    missing = [name for name in controllers.split() if name[1:] not in enabled]
    if missing:
        write_values(path, [("cgroup.subtree_control", " ".join(missing))])


def _read(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096).decode()
    finally:
        os.close(fd)
