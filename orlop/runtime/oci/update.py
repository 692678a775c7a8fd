"""`update ID`: other limits for a running container."""

from __future__ import annotations

import os

from orlop.errors import Conflict, InvalidArgument, NotSupported
from orlop.runtime.cgroup import control
from orlop.runtime.cgroup.plan import update_values
from orlop.runtime.oci import config
from orlop.runtime.oci.schema import RESOURCES
from orlop.runtime.oci.shape import shaped
from orlop.runtime.oci.store import STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

    Json = dict[str, Any]

# option -> where it goes in the OCI's resources
_PLACES = {
    "blkio-weight": ("blockIO", "weight"),
    "cpu-period": ("cpu", "period"),
    "cpu-quota": ("cpu", "quota"),
    "cpu-burst": ("cpu", "burst"),
    "cpu-rt-period": ("cpu", "realtimePeriod"),
    "cpu-rt-runtime": ("cpu", "realtimeRuntime"),
    "cpu-share": ("cpu", "shares"),
    "cpu-idle": ("cpu", "idle"),
    "cpuset-cpus": ("cpu", "cpus"),
    "cpuset-mems": ("cpu", "mems"),
    "memory": ("memory", "limit"),
    "memory-reservation": ("memory", "reservation"),
    "memory-swap": ("memory", "swap"),
    "kernel-memory-tcp": ("memory", "kernelTCP"),
    "pids-limit": ("pids", "limit"),
}
_TEXTS = {"cpus", "mems"}
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def update(command: Command) -> int:
    options = command.options
    for name in ("l3-cache-schema", "mem-bw-schema"):
        if options.get(name):
            raise NotSupported(f"update: --{name}: Intel RDT is not supported")
    if options.get("resources"):
        path = options["resources"]
        data = _standard_input() if path == "-" else config.read_file(path)
        resources: Json = shaped(config.parse(data, "resources"), RESOURCES, "resources")
    else:
        resources = _resources(options)
    record = command.locked()
    if record.status() == STOPPED:
        raise Conflict(f"container {record.id} is not running")
    if not record.own["cgroup"]:
        raise Conflict("the container has no cgroup of its own")
    control.update(update_values(command.layout(), record.own["cgroup"], resources))
    return 0


def _standard_input() -> bytes:
    out = bytearray()
    while piece := os.read(0, 65536):
        out += piece
        if len(out) > config.LIMIT:
            raise InvalidArgument("resources are too long")
    return bytes(out)


def _resources(options: Json) -> Json:
    found: Json = {}
    for name, (section, key) in _PLACES.items():
        if name in options:
            text = options[name]
            found.setdefault(section, {})[key] = text if key in _TEXTS else _number(name, text)
    return shaped(found, RESOURCES, "resources") if found else found


def _number(name: str, text: str) -> int:
    unit = text[-1:].lower() if not text[-1:].isdigit() else ""
    digits = text[: len(text) - len(unit)]
    negative, digits = digits.startswith("-"), digits.removeprefix("-")
    if unit not in _UNITS or not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        raise InvalidArgument(f"invalid value for {name}: {text!r}")
    return int(digits) * _UNITS[unit] * (-1 if negative else 1)
