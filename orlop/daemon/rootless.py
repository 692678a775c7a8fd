"""Run as a user other than root: enter a user, mount and network namespace of the user's own.

The namespaces are held by a process beside the daemon (doorkeeper.py), so that containers outlive
the daemon and the next one finds them. Inside, the user is root over the IDs of /etc/subuid and
/etc/subgid, and over nothing else.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import shutil
import signal
from pathlib import Path

from orlop import subids
from orlop.client.autostart import no_directory
from orlop.config import Config
from orlop.daemon import doorkeeper
from orlop.errors import SystemFailure
from orlop.kernel import namespace, process
from orlop.oci.idmap import Range
from orlop.runtime.cgroup.delegated import make_room
from orlop.runtime.cgroup.layout import detect

_JOINED = (
    ("user", namespace.CLONE_NEWUSER),
    ("mnt", namespace.CLONE_NEWNS),
    ("net", namespace.CLONE_NEWNET),
)


def enter(config: Config) -> Config:
    """Be root of the user's own namespaces, made or found. Raises SystemFailure."""
    runtime = config.exec_root
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFailure(no_directory(error, own=True)) from None
    make_room(detect())
    holder = _holder(runtime)
    if holder == 0 or not doorkeeper.answers(runtime):
        holder = _start(runtime, holder)
    _join(holder)
    return dataclasses.replace(config, rootless=True)


def _holder(runtime: Path) -> int:
    """The process that holds the namespaces of an earlier daemon; 0: there are none."""
    try:
        pid = int((runtime / doorkeeper.PID).read_text())
        theirs = os.readlink(f"/proc/{pid}/ns/user")
        named = Path(f"/proc/{pid}/comm").read_text().strip() == doorkeeper.HOLDER
    except (OSError, ValueError):
        return 0
    return pid if named and theirs != os.readlink("/proc/self/ns/user") else 0


def _start(runtime: Path, holder: int) -> int:
    """Fork the doorkeeper and wait for its word."""
    maps = mappings() if holder == 0 else ((), ())
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(reader)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        doorkeeper.serve(runtime, maps, holder, writer)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb") as answer:
        said = answer.read().decode("utf-8", "replace")
    if not said.isdigit():
        raise SystemFailure(said or "the process that holds the namespaces ended at once")
    return int(said)


def mappings() -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """(users, groups): the user is root, its subordinate IDs follow. Raises SystemFailure."""
    uid, gid = os.getuid(), os.getgid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    missing = [p for p in ("newuidmap", "newgidmap") if shutil.which(p) is None]
    if missing:
        raise SystemFailure(
            f"to run as a user, orlop needs {' and '.join(missing)}: install the package uidmap "
            "(shadow-utils on Fedora)"
        )
    out = []
    for path, own in ((subids.UIDS, uid), (subids.GIDS, gid)):
        found = subids.ranges(path, name) or subids.ranges(path, str(uid))
        if not found:
            raise SystemFailure(
                f"{path} gives no IDs to {name}: as root, run "
                f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
            )
        ranges: list[Range] = [(0, own, 1)]
        for first, count in found:
            ranges.append((ranges[-1][0] + ranges[-1][2], first, count))
        out.append(tuple(ranges))
    return out[0], out[1]


def _join(holder: int) -> None:
    try:
        opened = [
            (os.open(f"/proc/{holder}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), flag)
            for name, flag in _JOINED
        ]
        for fd, flag in opened:
            namespace.setns(fd, flag)
            os.close(fd)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        process.set_dumpable(True)  # or our own files in /proc are not ours to write
        os.chdir("/")
    except OSError as error:
        raise SystemFailure(f"cannot enter the namespaces of process {holder}: {error}") from None
