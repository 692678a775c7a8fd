"""The shape of config.json, as a table. Source: OCI runtime-spec 1.2 (and 1.3's additions), Linux.

A kind is "s" text, "b" boolean, "i" int64, "u8".."u64" unsigned, "f" anything; [kind] a list;
{"*": kind} a map; a dict an object, whose names with "!" must be there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAPPINGS = [{"containerID!": "u32", "hostID!": "u32", "size!": "u32"}]
_HOOKS = [{"path!": "s", "args": ["s"], "env": ["s"], "timeout": "i"}]
_KINDS = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
_CAPABILITIES = {
    name: ["s"] for name in ("bounding", "effective", "inheritable", "permitted", "ambient")
}

PROCESS: dict[str, Any] = {
    "terminal": "b",
    "consoleSize": {"height!": "u32", "width!": "u32"},
    "user": {"uid": "u32", "gid": "u32", "umask": "u32", "additionalGids": ["u32"]},
    "args": ["s"],
    "commandLine": "s",
    "env": ["s"],
    "cwd!": "s",
    "capabilities": _CAPABILITIES,
    "rlimits": [{"type!": "s", "hard!": "u64", "soft!": "u64"}],
    "noNewPrivileges": "b",
    "apparmorProfile": "s",
    "oomScoreAdj": "i",
    "scheduler": {
        "policy!": "s",
        "nice": "i",
        "priority": "i",
        "flags": ["s"],
        "runtime": "u64",
        "deadline": "u64",
        "period": "u64",
    },
    "selinuxLabel": "s",
    "ioPriority": {"class!": "s", "priority": "i"},
    "execCPUAffinity": {"initial": "s", "final": "s"},
}

_DEVICE_RATE = [{"major!": "i", "minor!": "i", "rate!": "u64"}]
RESOURCES: dict[str, Any] = {
    "devices": [{"allow!": "b", "type": "s", "major": "i", "minor": "i", "access": "s"}],
    "memory": {
        "limit": "i",
        "reservation": "i",
        "swap": "i",
        "kernel": "i",
        "kernelTCP": "i",
        "swappiness": "u64",
        "disableOOMKiller": "b",
        "useHierarchy": "b",
        "checkBeforeUpdate": "b",
    },
    "cpu": {
        "shares": "u64",
        "quota": "i",
        "burst": "u64",
        "period": "u64",
        "realtimeRuntime": "i",
        "realtimePeriod": "u64",
        "cpus": "s",
        "mems": "s",
        "idle": "i",
    },
    "pids": {"limit": "i"},
    "blockIO": {
        "weight": "u16",
        "leafWeight": "u16",
        "weightDevice": [{"major!": "i", "minor!": "i", "weight": "u16", "leafWeight": "u16"}],
        "throttleReadBpsDevice": _DEVICE_RATE,
        "throttleWriteBpsDevice": _DEVICE_RATE,
        "throttleReadIOPSDevice": _DEVICE_RATE,
        "throttleWriteIOPSDevice": _DEVICE_RATE,
    },
    "hugepageLimits": [{"pageSize!": "s", "limit!": "u64"}],
    "network": {"classID": "u32", "priorities": [{"name!": "s", "priority!": "u32"}]},
    "rdma": {"*": {"hcaHandles": "u32", "hcaObjects": "u32"}},
    "unified": {"*": "s"},
}

SECCOMP: dict[str, Any] = {
    "defaultAction!": "s",
    "defaultErrnoRet": "u32",
    "architectures": ["s"],
    "flags": ["s"],
    "listenerPath": "s",
    "listenerMetadata": "s",
    "syscalls": [
        {
            "names!": ["s"],
            "action!": "s",
            "errnoRet": "u32",
            "args": [{"index!": "u32", "value!": "u64", "valueTwo": "u64", "op!": "s"}],
        }
    ],
}

LINUX: dict[str, Any] = {
    "uidMappings": _MAPPINGS,
    "gidMappings": _MAPPINGS,
    "sysctl": {"*": "s"},
    "resources": RESOURCES,
    "cgroupsPath": "s",
    "namespaces": [{"type!": "s", "path": "s"}],
    "devices": [
        {
            "type!": "s",
            "path!": "s",
            "major": "i",
            "minor": "i",
            "fileMode": "u32",
            "uid": "u32",
            "gid": "u32",
        }
    ],
    "netDevices": {"*": {"name": "s"}},
    "seccomp": SECCOMP,
    "rootfsPropagation": "s",
    "maskedPaths": ["s"],
    "readonlyPaths": ["s"],
    "mountLabel": "s",
    "intelRdt": {"*": "f"},
    "memoryPolicy": {"mode!": "s", "nodes": "s", "flags": ["s"]},
    "personality": {"domain!": "s", "flags": ["s"]},
    "timeOffsets": {"*": {"secs": "i", "nanosecs": "u32"}},
}

CONFIG: dict[str, Any] = {
    "ociVersion!": "s",
    "process": PROCESS,
    "root!": {"path!": "s", "readonly": "b"},
    "hostname": "s",
    "domainname": "s",
    "mounts": [
        {
            "destination!": "s",
            "type": "s",
            "source": "s",
            "options": ["s"],
            "uidMappings": _MAPPINGS,
            "gidMappings": _MAPPINGS,
        }
    ],
    "hooks": dict.fromkeys(_KINDS, _HOOKS),
    "annotations": {"*": "s"},
    "linux": LINUX,
}  # fmt: skip
