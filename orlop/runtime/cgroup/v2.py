"""OCI resources as file values of the v2 tree. Pure."""

from __future__ import annotations

from orlop.errors import InvalidArgument
from orlop.runtime.cgroup import values as convert
from orlop.runtime.cgroup.v1 import rdma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Values = list[tuple[str, str]]
    Json = dict[str, Any]


def values(resources: Json, controllers: tuple[str, ...]) -> Values:
    """What to write, in order, for those of `controllers` the tree has. Raises InvalidArgument."""
    out: Values = []
    for controller, make in _MAKERS:
        if controller in controllers:
            out += make(resources)
    for file, text in (resources.get("unified") or {}).items():
        if "/" in file or "." not in file or file.startswith(("cgroup.", ".")):
            raise InvalidArgument(f"unified resource {file!r} must be a file name of a controller")
        out += [(file, line) for line in str(text).split("\n") if line]
    return out


def _cpu(resources: Json) -> Values:
    cpu = resources.get("cpu") or {}
    out: Values = []
    if cpu.get("idle"):
        out.append(("cpu.idle", str(cpu["idle"])))
    elif cpu.get("shares"):
        out.append(("cpu.weight", str(convert.weight_of_shares(cpu["shares"]))))
    maximum = convert.cpu_maximum(cpu.get("quota") or 0, cpu.get("period") or 0)
    if maximum:
        out.append(("cpu.max", maximum))
    if cpu.get("burst"):
        out.append(("cpu.max.burst", str(cpu["burst"])))
    return out


def _cpuset(resources: Json) -> Values:
    cpu = resources.get("cpu") or {}
    names = (("cpuset.cpus", "cpus"), ("cpuset.mems", "mems"))
    return [(name, cpu[key]) for name, key in names if cpu.get(key)]


def _memory(resources: Json) -> Values:
    memory = resources.get("memory") or {}
    limit = memory.get("limit") or 0
    try:
        swap = convert.swap_maximum(limit, memory.get("swap") or 0)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None
    out: Values = []
    if swap is not None:
        out.append(("memory.swap.max", swap))
    if limit:
        out.append(("memory.max", convert.maximum(limit)))
    if memory.get("reservation"):
        out.append(("memory.low", convert.maximum(memory["reservation"])))
    return out


def _pids(resources: Json) -> Values:
    limit = (resources.get("pids") or {}).get("limit")
    return [("pids.max", convert.maximum(limit))] if limit else []


def _io(resources: Json) -> Values:
    block = resources.get("blockIO") or {}
    out: Values = []
    if block.get("weight"):
        # io.bfq.weight takes blkio's own scale, io.weight (iocost) the wider one.
        wide = convert.io_weight_of_blkio(block["weight"])
        out.append(("io.bfq.weight|io.weight", f"{block['weight']}|{wide}"))
    for device in block.get("weightDevice") or ():
        if device.get("weight"):
            number = f"{device['major']}:{device['minor']}"
            out.append(("io.bfq.weight", f"{number} {device['weight']}"))
    for key, word in _THROTTLES:
        for device in block.get(key) or ():
            number = f"{device['major']}:{device['minor']}"
            out.append(("io.max", f"{number} {word}={device['rate']}"))
    return out


_THROTTLES = (
    ("throttleReadBpsDevice", "rbps"),
    ("throttleWriteBpsDevice", "wbps"),
    ("throttleReadIOPSDevice", "riops"),
    ("throttleWriteIOPSDevice", "wiops"),
)


def _hugetlb(resources: Json) -> Values:
    limits = resources.get("hugepageLimits") or ()
    return [(f"hugetlb.{one['pageSize']}.max", str(one["limit"])) for one in limits]


_MAKERS = (
    ("cpu", _cpu),
    ("cpuset", _cpuset),
    ("memory", _memory),
    ("pids", _pids),
    ("io", _io),
    ("hugetlb", _hugetlb),
    ("rdma", rdma),
)
