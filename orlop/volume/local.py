"""The local driver: names, options, and the mount behind a volume with `type`, `o`, `device`."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from orlop.errors import InvalidArgument, SystemFailure
from orlop.kernel import mount as mounts
from orlop.kernel import mountinfo
from orlop.volume.model import Volume

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
_OPTIONS = ("type", "o", "device", "size")
_NEEDS = {"device": ("type",), "type": ("device",), "o": ("device", "type")}
# mount(2) flags by option; a minus clears (linux/mount.h, as util-linux names them).
_FLAGS: dict[str, tuple[int, bool]] = {
    "ro": (0x1, True),
    "rw": (0x1, False),
    "nosuid": (0x2, True),
    "suid": (0x2, False),
    "nodev": (0x4, True),
    "dev": (0x4, False),
    "noexec": (0x8, True),
    "exec": (0x8, False),
    "sync": (0x10, True),
    "async": (0x10, False),
    "remount": (0x20, True),
    "mand": (0x40, True),
    "nomand": (0x40, False),
    "dirsync": (0x80, True),
    "noatime": (0x400, True),
    "atime": (0x400, False),
    "nodiratime": (0x800, True),
    "diratime": (0x800, False),
    "bind": (0x1000, True),
    "rbind": (0x5000, True),
    "unbindable": (0x20000, True),
    "private": (0x40000, True),
    "slave": (0x80000, True),
    "shared": (0x100000, True),
    "runbindable": (0x24000, True),
    "rprivate": (0x44000, True),
    "rslave": (0x84000, True),
    "rshared": (0x104000, True),
    "relatime": (0x200000, True),
    "norelatime": (0x200000, False),
    "strictatime": (0x1000000, True),
    "nostrictatime": (0x1000000, False),
    "defaults": (0, True),
}
_BIND, _RECURSIVE = 0x1000, 0x4000
_PROPAGATION = 0x1E0000
_SILENT_BIND_FLAGS = 0x5000 | _PROPAGATION  # what a bind mount takes at once


def check_name(name: str) -> None:
    """Raises InvalidArgument with Docker's texts."""
    if len(name) == 1:
        raise InvalidArgument(
            "volume name is too short, names should be at least two alphanumeric characters"
        )
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f'"{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path"
        )


def check_options(options: Mapping[str, str]) -> None:
    """Raises InvalidArgument with Docker's texts."""
    for option in options:
        if option not in _OPTIONS:
            raise InvalidArgument(f'invalid option: "{option}"')
    for option, needed in _NEEDS.items():
        if option in options:
            for other in needed:
                if other not in options:
                    raise InvalidArgument(f'missing required option: "{other}"')
    if options.get("size"):
        raise InvalidArgument("quota size requested but no quota support")


def has_mount(options: Mapping[str, str]) -> bool:
    return bool(options.get("device") or options.get("type"))


def opts_json(options: Mapping[str, str]) -> bytes:
    """The driver's own record beside `_data`, as dockerd writes it."""
    document = {
        "MountType": options.get("type", ""),
        "MountOpts": options.get("o", ""),
        "MountDevice": options.get("device", ""),
        "Quota": {"Size": 0},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def options_of(path: Path) -> dict[str, str]:
    """What `opts.json` says; empty without one."""
    try:
        found = json.loads((path / "opts.json").read_bytes())
        pairs = {
            "type": found.get("MountType"),
            "o": found.get("MountOpts"),
            "device": found.get("MountDevice"),
        }
    except (OSError, ValueError, AttributeError):
        return {}
    return {key: str(value) for key, value in pairs.items() if value}


def parse_mount(text: str) -> tuple[int, str]:
    """(flags, data) of the comma-separated options `o`."""
    flags, data = 0, []
    for option in text.split(","):
        if option in _FLAGS:
            bit, on = _FLAGS[option]
            flags = flags | bit if on else flags & ~bit
        elif option:
            data.append(option)
    return flags, ",".join(data)


def is_mounted(volume: Volume) -> bool:
    """Something is mounted on its `_data`."""
    try:
        here, above = volume.mountpoint.stat(), volume.path.stat()
    except OSError:
        return False
    if here.st_dev != above.st_dev:
        return True
    return mountinfo.is_point(os.path.realpath(volume.mountpoint))  # a bind of the same device


def mount(volume: Volume) -> None:
    """Mount what its options name on `_data`. Raises SystemFailure with Docker's text."""
    options = volume.options
    device, target = options.get("device", ""), str(volume.mountpoint)
    flags, data = parse_mount(options.get("o", ""))
    prefix = f"error while mounting volume '{target}': "
    data = _resolve(options.get("type", ""), data, prefix)
    try:
        first = flags & _SILENT_BIND_FLAGS & ~_PROPAGATION if flags & _BIND else flags
        mounts.mount(device, target, options.get("type") or None, first & ~_PROPAGATION, data)
        if flags & _BIND and flags & ~_SILENT_BIND_FLAGS:
            # A bind mount takes read-only and its like only in a second step (mount(2)).
            mounts.mount(None, target, None, flags & ~_PROPAGATION | 0x20, None)
        if flags & _PROPAGATION:
            mounts.mount(None, target, None, flags & (_PROPAGATION | _RECURSIVE), None)
    except OSError as error:
        shown = f", flags: {flags:#x}" if flags else ""
        shown += f", data: {data}" if data else ""
        raise SystemFailure(
            f"{prefix}failed to mount local volume: mount {device}:{target}{shown}: "
            f"{(error.strerror or str(error)).lower()}"
        ) from None


def unmount(volume: Volume) -> None:
    """Detach it; what is open stays usable till it is closed."""
    try:
        mounts.umount(str(volume.mountpoint), 2)  # MNT_DETACH
    except OSError as error:
        if error.errno not in (22, 2):  # not mounted, gone
            raise SystemFailure(
                f"error while unmounting volume '{volume.mountpoint}': "
                f"{(error.strerror or '').lower()}"
            ) from None


def _resolve(kind: str, data: str, prefix: str) -> str:
    """The kernel takes no host names: `addr=` of nfs and cifs becomes an address."""
    if not kind.startswith(("nfs", "cifs")):
        return data
    parts = data.split(",")
    for index, part in enumerate(parts):
        if part.startswith("addr="):
            try:
                found = socket.getaddrinfo(part[5:], None, type=socket.SOCK_STREAM)
            except OSError:
                raise SystemFailure(
                    f"{prefix}error resolving passed in network volume address: "
                    f"lookup {part[5:]}: no such host"
                ) from None
            parts[index] = f"addr={found[0][4][0]}"
    return ",".join(parts)
