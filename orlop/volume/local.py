"""The local driver's options: `type`, `o`, `device` make a volume a mount of its own.

Source: Docker, "docker volume create, driver-specific options"; mount(8) for `o`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from orlop.errors import InvalidArgument, SystemFailure
from orlop.kernel import mount

KNOWN = ("type", "o", "device", "size")

_FLAGS = {
    "ro": mount.MS_RDONLY,
    "nosuid": mount.MS_NOSUID,
    "nodev": mount.MS_NODEV,
    "noexec": mount.MS_NOEXEC,
    "bind": mount.MS_BIND,
    "rbind": mount.MS_BIND | mount.MS_REC,
    "remount": mount.MS_REMOUNT,
    "noatime": 1 << 10,
    "nodiratime": 1 << 11,
    "relatime": 1 << 21,
    "strictatime": 1 << 24,
    "sync": 1 << 4,
    "dirsync": 1 << 7,
}
_PLAIN = {"rw", "suid", "dev", "exec", "async", "atime", "diratime", "defaults"}


def check(options: Mapping[str, str]) -> None:
    """Raises InvalidArgument with Docker's texts."""
    for key in options:
        if key not in KNOWN:
            raise InvalidArgument(f'invalid option: "{key}"')
    if options.get("size"):
        raise InvalidArgument("quota size requested but no quota support")
    device, kind = options.get("device"), options.get("type")
    if (device and not (kind or "bind" in options.get("o", ""))) or (kind and not device):
        missing = "type" if device else "device"
        raise InvalidArgument(f'missing required option: "{missing}"')


def attach(options: Mapping[str, str], target: str) -> None:
    """Mount it on `target`. Raises SystemFailure with Docker's text."""
    flags, data = 0, []
    for word in filter(None, options.get("o", "").split(",")):
        if word in _FLAGS:
            flags |= _FLAGS[word]
        elif word not in _PLAIN:
            data.append(_resolved(word) if options.get("type") == "nfs" else word)
    device = options.get("device", "")
    try:
        mount.mount(device, target, options.get("type") or None, flags, ",".join(data) or None)
        if flags & mount.MS_BIND and flags & mount.MS_RDONLY:
            again = mount.MS_REMOUNT | mount.MS_BIND | mount.MS_RDONLY
            mount.mount(None, target, None, again)
    except OSError as e:
        raise SystemFailure(
            f"failed to mount local volume: mount {device}:{target}"
            f"{', data: ' + ','.join(data) if data else ''}: {(e.strerror or '').lower()}"
        ) from e


def _resolved(word: str) -> str:
    """The kernel's NFS client takes an address, people write a name."""
    key, _, value = word.partition("=")
    if key != "addr":
        return word
    try:
        return f"addr={socket.getaddrinfo(value, None)[0][4][0]}"
    except OSError:
        return word


def detach(target: str) -> None:
    """Unmount; idempotent."""
    if os.path.ismount(target):
        mount.umount(target, mount.MNT_DETACH)
