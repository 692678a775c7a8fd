"""The `process` part of a plan: identity, limits, capabilities, seccomp as plain numbers. Pure."""

from __future__ import annotations

import resource

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

CAPABILITIES = tuple(
    "CAP_" + name
    for name in """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
    """.split()
)
_NUMBERS = {name: number for number, name in enumerate(CAPABILITIES)}
_SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
_LIMITS = {
    name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")
} | {"RLIMIT_LOCKS": 10}
_PERSONALITIES = {"LINUX": 0, "LINUX32": 0x0008}
_IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
_SCHEDULERS = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
_SCHEDULER_FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
# Source: linux/mempolicy.h
_MEMORY_MODES = {
    name: number
    for number, name in enumerate(
        "MPOL_DEFAULT MPOL_PREFERRED MPOL_BIND MPOL_INTERLEAVE MPOL_LOCAL MPOL_PREFERRED_MANY "
        "MPOL_WEIGHTED_INTERLEAVE".split()
    )
}
_MEMORY_FLAGS = {
    "MPOL_F_STATIC_NODES": 1 << 15,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_NUMA_BALANCING": 1 << 13,
}
_MAX_NODE = 1024


def process_plan(process: Json, *, seccomp: bytes | None, seccomp_flags: int) -> Json:
    """OCI `process`. Raises InvalidArgument naming what is wrong."""
    user = process.get("user") or {}
    groups = list(user.get("additionalGids") or ())
    priority, scheduler = process.get("ioPriority"), process.get("scheduler")
    uid = int(user.get("uid") or 0)
    return {
        "argv": list(process["args"]),
        "env": list(process.get("env") or ()),
        "cwd": process.get("cwd") or "/",
        "umask": int(user.get("umask", 0o022)),
        "uid": uid,
        "gid": int(user.get("gid") or 0),
        "groups": groups,
        "set_groups": True,
        "rlimits": [_limit(entry) for entry in process.get("rlimits") or ()],
        "io_priority": _io_priority(priority) if priority else None,
        "scheduler": _scheduler(scheduler) if scheduler else None,
        "personality": None,
        "memory_policy": None,
        "no_new_privs": bool(process.get("noNewPrivileges")),
        "capabilities": _capabilities(process.get("capabilities"), uid),
        "seccomp": seccomp,
        "seccomp_flags": seccomp_flags,
    }


def _limit(entry: Json) -> tuple[int, int, int]:
    try:
        kind = _LIMITS[entry["type"]]
    except KeyError:
        raise InvalidArgument(f"invalid rlimit type: {entry['type']}") from None
    return kind, int(entry["soft"]), int(entry["hard"])


def _capabilities(sets: Json | None, uid: int) -> Json | None:
    if sets is None:
        return None
    masks = {name: mask_of(sets.get(name) or ()) for name in _SETS}
    if uid:
        # Another user than root keeps only what is ambient: execve would drop the rest anyway.
        masks["effective"] = masks["permitted"] = masks["ambient"]
    return masks


def mask_of(names: Any) -> int:
    mask = 0
    for name in names:
        if name not in _NUMBERS:
            raise InvalidArgument(f"unknown capability {name!r}")
        mask |= 1 << _NUMBERS[name]
    return mask


def _io_priority(document: Json) -> int:
    kind = _IO_CLASSES.get(str(document.get("class")))
    if kind is None:
        raise InvalidArgument(f"invalid ioPriority class: {document.get('class')}")
    return kind << 13 | int(document.get("priority") or 0)


def _scheduler(document: Json) -> tuple[int, ...]:
    policy = _SCHEDULERS.get(str(document.get("policy")))
    if policy is None:
        raise InvalidArgument(f"invalid scheduler policy: {document.get('policy')}")
    flags = 0
    for name in document.get("flags") or ():
        if name not in _SCHEDULER_FLAGS:
            raise InvalidArgument(f"invalid scheduler flag: {name}")
        flags |= _SCHEDULER_FLAGS[name]
    numbers = ("nice", "priority", "runtime", "deadline", "period")
    return policy, flags, *(int(document.get(name) or 0) for name in numbers)


def memory_policy_of(document: Json | None) -> tuple[int, int] | None:
    """(mode with flags, node mask) of linux.memoryPolicy."""
    if not document:
        return None
    if document["mode"] not in _MEMORY_MODES:
        raise InvalidArgument(f"invalid memory policy mode: {document['mode']}")
    mode = _MEMORY_MODES[document["mode"]]
    for name in document.get("flags") or ():
        if name not in _MEMORY_FLAGS:
            raise InvalidArgument(f"invalid memory policy flag: {name}")
        mode |= _MEMORY_FLAGS[name]
    return mode, _node_mask(document.get("nodes") or "")


def _node_mask(text: str) -> int:
    """ "0-2,7" as bits."""
    mask = 0
    for part in text.split(",") if text.strip() else ():
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) < 5 for end in ends):
            raise InvalidArgument(f"invalid memory policy nodes: {text}")
        low, high = int(ends[0]), int(ends[1])
        if low > high or high >= _MAX_NODE:
            raise InvalidArgument(f"invalid memory policy nodes: {text}")
        mask |= (1 << high + 1) - (1 << low)
    return mask


def personality_of(document: Json | None) -> int | None:
    if not document:
        return None
    domain = str(document.get("domain"))
    if domain not in _PERSONALITIES:
        raise InvalidArgument(f"invalid personality domain: {domain}")
    return _PERSONALITIES[domain]
