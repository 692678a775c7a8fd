"""What `/info` and `/version` say: collected from the nouns and the host, in Docker 28's fields."""

from __future__ import annotations

import os
import platform as host_platform
import shlex
import time
from pathlib import Path
from typing import Any

from orlop import __version__
from orlop.api import versions
from orlop.api.release import ENGINE_VERSION
from orlop.config import Config
from orlop.container import cdi, cgroups, logopts
from orlop.engine import Engine

Json = dict[str, Any]

_GO_ARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_LACKS = (
    ("MemoryLimit", "memory limit"), ("SwapLimit", "swap limit"),
    ("CpuCfsQuota", "cpu cfs quota"), ("CpuCfsPeriod", "cpu cfs period"),
    ("CPUShares", "cpu shares"), ("CPUSet", "cpuset"), ("PidsLimit", "pids limit"),
)  # fmt: skip
_REMEDY = {  # for a user to whom no groups are delegated
    True: "Systemd is required to enable cgroups in rootless-mode.",
    False: "To enable cgroups in rootless-mode, you need to boot the system in cgroup v2 mode.",
}
_INDEX = "https://index.docker.io/v1/"


def version() -> Json:
    kernel, arch = os.uname().release, go_arch()
    python = host_platform.python_version()
    details = {
        "ApiVersion": versions.text(versions.CURRENT),
        "Arch": arch,
        "BuildTime": "",
        "Experimental": "false",
        "GitCommit": "",
        "GoVersion": "",
        "KernelVersion": kernel,
        "MinAPIVersion": versions.text(versions.MINIMUM),
        "Os": "linux",
    }
    return {
        "Platform": {"Name": f"Orlop {__version__}"},
        "Components": [
            {"Name": "Engine", "Version": ENGINE_VERSION, "Details": details},
            {"Name": "orlop", "Version": __version__, "Details": {"GitCommit": ""}},
            {"Name": "python", "Version": python, "Details": {"GitCommit": ""}},
        ],
        "Version": ENGINE_VERSION,
        "ApiVersion": details["ApiVersion"],
        "MinAPIVersion": details["MinAPIVersion"],
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": arch,
        "KernelVersion": kernel,
        "BuildTime": "",
    }


def info(engine: Engine) -> Json:
    config = engine.config
    counts = _counts(engine)
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    systemd = "native.cgroupdriver=systemd" in config.exec_opts
    limits = _limits(engine)
    document: Json = {
        "ID": engine.id,
        "Containers": sum(counts.values()),
        "ContainersRunning": counts["running"],
        "ContainersPaused": counts["paused"],
        "ContainersStopped": counts["stopped"],
        "Images": len(engine.images.all()),
        "Driver": engine.layers.driver.name,
        "DriverStatus": [list(pair) for pair in engine.layers.driver.status()],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": sorted(name for name in logopts.DRIVERS if name != "none"),
        },
        **limits,
        "IPv4Forwarding": _read("/proc/sys/net/ipv4/ip_forward") == "1",
        "Debug": config.debug,
        "NFd": len(os.listdir("/proc/self/fd")),
        "NGoroutines": len(os.listdir("/proc/self/task")),
        "SystemTime": timestamp(time.time_ns()),
        "LoggingDriver": config.log_driver,
        "CgroupDriver": _cgroup_driver(systemd),
        "CgroupVersion": "2" if unified else "1",
        "NEventsListener": engine.events.listeners(),
        "KernelVersion": os.uname().release,
        **_system(),
        "OSType": "linux",
        "Architecture": os.uname().machine,
        "IndexServerAddress": _INDEX,
        "RegistryConfig": _registries(engine),
        "NCPU": len(os.sched_getaffinity(0)),
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "GenericResources": None,
        "DockerRootDir": str(config.data_root),
        **_proxies(engine.config),
        "Name": os.uname().nodename,
        "Labels": list(config.labels),
        "ExperimentalBuild": False,
        "ServerVersion": ENGINE_VERSION,
        "Runtimes": _runtimes(engine),
        "DefaultRuntime": config.default_runtime,
        "Swarm": {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": "inactive",
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        },
        "LiveRestoreEnabled": config.live_restore,
        "Isolation": "",
        "InitBinary": config.init_path or "orlop-init",
        "ContainerdCommit": {"ID": ""},
        "RuncCommit": {"ID": ""},
        "InitCommit": {"ID": ""},
        "SecurityOptions": _security(engine, unified),
        "FirewallBackend": {"Driver": "nftables"},
        "CDISpecDirs": list(config.cdi_spec_dirs),
        "DiscoveredDevices": _discovered(config),
    }
    if config.default_address_pools:
        document["DefaultAddressPools"] = [
            {"Base": base, "Size": size} for base, size in config.default_address_pools
        ]
    document["Warnings"] = _warnings(engine, limits) or None
    return document


def go_arch() -> str:
    machine = os.uname().machine
    return _GO_ARCH.get(machine, machine)


def timestamp(ns: int) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9))
    return f"{whole}.{ns % 10**9:09d}Z"


def _counts(engine: Engine) -> dict[str, int]:
    out = {"running": 0, "paused": 0, "stopped": 0}
    for container in engine.containers.all():
        state = container.state
        kind = "paused" if state.paused else "running" if state.running else "stopped"
        out[kind] += 1
    return out


def _limits(engine: Engine) -> Json:
    """What cgroups can do here, in Docker's names; some exist only with cgroup v1."""
    found = engine.containers.info
    out: Json = {
        "MemoryLimit": found.memory and found.cgroups,
        "SwapLimit": found.swap_limit and found.cgroups,
    }
    if not found.unified:
        out["KernelMemoryTCP"] = Path(
            "/sys/fs/cgroup/memory/memory.kmem.tcp.usage_in_bytes"
        ).exists()
    out |= {
        "CpuCfsPeriod": found.cpu_cfs and found.cgroups,
        "CpuCfsQuota": found.cpu_cfs and found.cgroups,
        "CPUShares": found.cpu_shares and found.cgroups,
        "CPUSet": found.cpuset and found.cgroups,
        "PidsLimit": found.pids_limit and found.cgroups,
        "OomKillDisable": found.oom_kill_disable and found.cgroups,
    }
    return out


def _warnings(engine: Engine, limits: Json) -> list[str]:
    out = []
    if engine.containers.info.cgroups:
        out += [f"WARNING: No {what} support" for key, what in _LACKS if not limits[key]]
    else:
        unified = engine.containers.info.unified
        out.append(f"WARNING: Running in rootless-mode without cgroups. {_REMEDY[unified]}")
    if _read("/proc/sys/net/ipv4/ip_forward") != "1":
        out.append("WARNING: IPv4 forwarding is disabled")
    if engine.layers.driver.name != "overlay2":
        name = engine.layers.driver.name
        out.append(f"WARNING: storage driver {name}: {engine.storage_reason}")
    out += list(engine.networks.warnings)
    for host in engine.config.hosts:
        if host.startswith("tcp://") and not (engine.config.tls or engine.config.tlsverify):
            out.append(
                f"WARNING: API is accessible on http://{host[6:]} without encryption.\n"
                "         Access to the remote API is equivalent to root access on the host."
            )
    return out


def _discovered(config: Config) -> list[Json] | None:
    names = sorted(cdi.discover(config.cdi_spec_dirs))
    return [{"Source": "cdi", "ID": name} for name in names] or None


def _cgroup_driver(systemd: bool) -> str:
    if not cgroups.available():
        return "none"
    return "systemd" if systemd else "cgroupfs"


def _security(engine: Engine, unified: bool) -> list[str]:
    out = []
    if _read("/sys/module/apparmor/parameters/enabled") == "Y" and not engine.config.rootless:
        out.append("name=apparmor")
    if os.path.exists("/proc/sys/kernel/seccomp/actions_avail"):
        profile = engine.config.seccomp_profile or "builtin"
        out.append(f"name=seccomp,profile={profile}")
    if engine.containers.remap is not None or engine.config.default_userns_mode not in ("", "host"):
        out.append("name=userns")
    if unified:
        out.append("name=cgroupns")
    if engine.config.rootless:
        out.append("name=rootless")
    if engine.config.no_new_privileges:
        out.append("name=no-new-privileges")
    if engine.config.hardened:
        out.append("name=hardened")
    return out


def _runtimes(engine: Engine) -> Json:
    own: Json = {"orlop": {"path": "orlop"}, "io.containerd.runc.v2": {"path": "orlop"}}
    own["runc"] = {"path": "orlop"}
    for name, (path, *arguments) in engine.config.runtimes.items():
        own[name] = {"path": path, **({"runtimeArgs": arguments} if arguments else {})}
    return own


def _registries(engine: Engine) -> Json:
    config = engine.config
    cidrs, indexes = ["::1/128", "127.0.0.0/8"], {}
    mirrors = [m.rstrip("/") + "/" for m in config.registry_mirrors]
    indexes["docker.io"] = {
        "Mirrors": mirrors,
        "Name": "docker.io",
        "Official": True,
        "Secure": True,
    }
    for name in config.insecure_registries:
        if "/" in name:
            cidrs.append(name)
        else:
            indexes[name] = {"Mirrors": [], "Name": name, "Official": False, "Secure": False}
    return {
        "IndexConfigs": indexes,
        "InsecureRegistryCIDRs": cidrs,
        "Mirrors": mirrors or None,
    }


def _proxies(config: Config) -> Json:
    """Without the passwords that such URLs often carry."""
    out = {}
    for key, name in (
        ("HttpProxy", "HTTP_PROXY"),
        ("HttpsProxy", "HTTPS_PROXY"),
        ("NoProxy", "NO_PROXY"),
    ):
        said: str = getattr(config, name.lower())
        value = said or os.environ.get(name) or os.environ.get(name.lower()) or ""
        scheme, separator, rest = value.partition("://")
        if "@" in rest:
            value = f"{scheme}{separator}xxxxx:xxxxx@{rest.rpartition('@')[2]}"
        out[key] = value
    return out


def _system() -> Json:
    found: dict[str, str] = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = _read(path)
        for line in text.splitlines():
            key, separator, value = line.partition("=")
            if separator:
                try:
                    found.setdefault(key, " ".join(shlex.split(value)))
                except ValueError:
                    continue
        if found:
            break
    name = found.get("PRETTY_NAME") or "Linux"
    return {"OperatingSystem": name, "OSVersion": found.get("VERSION_ID", "")}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
