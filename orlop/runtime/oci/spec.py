"""`spec`: write a config.json to start from: a shell in an ordinary container."""

from __future__ import annotations

import os

from orlop.errors import Conflict
from orlop.runtime.oci.pretty import pretty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
_MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
]  # fmt: skip
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def spec(command: Command) -> int:
    command.expect(0, 0)
    name = command.options.get("config") or "config.json"
    path = os.path.join(command.options.get("bundle") or ".", name)
    text = pretty(document(bool(command.options.get("rootless"))), "\t") + "\n"
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(f"File {name} exists. Remove it first") from None
    return 0


def document(rootless: bool) -> dict[str, Any]:
    namespaces = ["pid", "ipc", "uts", "mount", "cgroup"]
    namespaces.insert(1, "user" if rootless else "network")
    found: dict[str, Any] = {
        "ociVersion": "1.2.0",
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
            ],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), _CAPABILITIES),
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "orlop",
        "mounts": _mounts(rootless),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in namespaces],
            "maskedPaths": _MASKED,
            "readonlyPaths": _READ_ONLY,
        },
    }  # fmt: skip
    if rootless:
        linux = found["linux"]
        del linux["resources"]
        linux["uidMappings"] = [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
        linux["gidMappings"] = [{"containerID": 0, "hostID": os.getegid(), "size": 1}]
    return found


def _mounts(rootless: bool) -> list[dict[str, Any]]:
    plain = ["nosuid", "noexec", "nodev"]

    def entry(destination: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
        return {"destination": destination, "type": kind, "source": source, "options": options}

    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        entry("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        entry("/dev/pts", "devpts", "devpts", pts if rootless else [*pts, "gid=5"]),
        entry("/dev/shm", "tmpfs", "shm", [*plain, "mode=1777", "size=65536k"]),
        entry("/dev/mqueue", "mqueue", "mqueue", plain),
    ]
    if rootless:
        mounts.append(entry("/sys", "none", "/sys", ["rbind", *plain, "ro"]))
    else:
        mounts.append(entry("/sys", "sysfs", "sysfs", [*plain, "ro"]))
        mounts.append(entry("/sys/fs/cgroup", "cgroup", "cgroup", [*plain, "relatime", "ro"]))
    return mounts
