"""Record → OCI runtime-spec 1.2 config. Pure: everything found on the host comes in `Facts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orlop.container import caps, devices, failures, process, specmounts
from orlop.container import sysctls as sysctl_rules
from orlop.container.model import joined
from orlop.container.security import Security
from orlop.container.specmounts import UserMount
from orlop.container.userns import UserNamespace
from orlop.container.users import Identity

Json = dict[str, Any]

_PERIOD = 100_000  # microseconds of CPU time that --cpus is measured in
_LEAST_SHARES, _MOST_SHARES = 2, 262_144
_GROUPS = 1 << 31
_NET_SYSCTLS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What start found out before it built the spec."""

    rootfs: str  # host path of the mounted root
    identity: Identity
    security: Security
    cgroup_path: str
    hostname: str  # what HOSTNAME says
    network: str = "new"  # new, host, or container:ID
    link_env: Sequence[str] = ()  # variables of legacy links
    mounts: Sequence[UserMount] = ()
    nodes: Sequence[Json] = ()  # device nodes to make
    rules: Sequence[Json] = ()  # cgroup rules of those devices
    blkio: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # path: device number
    capabilities: Sequence[str] = caps.KNOWN  # what the host can give
    default_ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    init: bool = False
    apparmor: str = ""
    sysctls: Mapping[str, str] = field(default_factory=dict)  # the network's
    time_namespace: bool = False
    user_namespace: UserNamespace | None = None
    groups: int = _GROUPS  # that this daemon has a number for


def build(record: Json, host: Json, facts: Facts) -> Json:
    """Deterministic; raises SystemFailure with Docker's texts for options that cannot be built."""
    config = record["Config"]
    out: Json = {
        "ociVersion": "1.2.1",
        "process": _process(record, host, facts),
        "root": {"path": facts.rootfs},
    }
    if host["ReadonlyRootfs"]:
        out["root"]["readonly"] = True
    private_uts = host["UTSMode"] != "host"
    if private_uts:
        out["hostname"] = facts.hostname
        if config.get("Domainname"):
            # no longer than the kernel takes it; dockerd writes a sysctl, which cuts it
            out["domainname"] = config["Domainname"].encode()[:64].decode("utf-8", "ignore")
    out["mounts"] = specmounts.build(
        facts.mounts,
        host=host,
        shm_size=host["ShmSize"],
        writable_cgroups=facts.security.writable_cgroups,
        mapped=facts.user_namespace is not None,
    )
    if host.get("Annotations"):
        out["annotations"] = dict(host["Annotations"])
    out["linux"] = _linux(host, facts)
    return out


def _process(record: Json, host: Json, facts: Facts) -> Json:
    config = record["Config"]
    args = [record["Path"], *record["Args"]]
    if facts.init:
        args = [process.INIT_PATH, "--", *args]
    names = caps.effective(
        host["CapAdd"] or (),
        host["CapDrop"] or (),
        privileged=host["Privileged"],
        available=facts.capabilities,
    )
    return process.build(
        args=args,
        env=process.environment(
            (*facts.link_env, *(config.get("Env") or ())),
            hostname=facts.hostname,
            tty=config["Tty"],
            home=facts.identity.home,
        ),
        cwd=config["WorkingDir"],
        identity=facts.identity,
        caps=names,
        tty=config["Tty"],
        no_new_privileges=facts.security.no_new_privileges,
        oom_score_adj=host["OomScoreAdj"],
        limits=process.rlimits(host["Ulimits"] or (), facts.default_ulimits),
        apparmor=facts.apparmor,
        console=host.get("ConsoleSize") or (0, 0),
    )


def _linux(host: Json, facts: Facts) -> Json:
    sysctls = dict(host.get("Sysctls") or {})
    sysctl_rules.check(sysctls, host, private_network=facts.network != "host")
    if facts.network == "new":
        sysctls = {**_NET_SYSCTLS, **_groups_that_ping(facts), **facts.sysctls, **sysctls}
    out: Json = {}
    if sysctls:
        out["sysctl"] = sysctls
    out["resources"] = resources(host, facts)
    out["cgroupsPath"] = facts.cgroup_path
    out["namespaces"] = _namespaces(host, facts)
    if facts.user_namespace is not None:
        out.update(facts.user_namespace.idmap.linux())
    if facts.nodes:
        out["devices"] = list(facts.nodes)
    propagation = specmounts.root_propagation(facts.mounts)
    if propagation:
        out["rootfsPropagation"] = propagation
    if host["MaskedPaths"]:
        out["maskedPaths"] = list(host["MaskedPaths"])
    if host["ReadonlyPaths"]:
        out["readonlyPaths"] = list(host["ReadonlyPaths"])
    return out


def _namespaces(host: Json, facts: Facts) -> list[Json]:
    out: list[Json] = [{"type": "mount"}]
    if facts.network != "host":
        out.append(_namespace("network", facts.network))
    if host["UTSMode"] != "host":
        out.append({"type": "uts"})
    if host["PidMode"] != "host":
        out.append(_namespace("pid", host["PidMode"]))
    if host["IpcMode"] != "host":
        out.append(_namespace("ipc", host["IpcMode"]))
    if host["CgroupnsMode"] == "private":
        out.append({"type": "cgroup"})
    if facts.time_namespace:
        out.append({"type": "time"})
    if facts.user_namespace is not None:
        donor = facts.user_namespace.donor
        out.append(_namespace("user", f"container:{donor}" if donor else ""))
    return out


def _groups_that_ping(facts: Facts) -> dict[str, str]:
    """The kernel takes only groups that the user namespace has."""
    groups = facts.groups
    if facts.user_namespace is not None:
        groups = sum(count for _, _, count in facts.user_namespace.idmap.gids)
    return {"net.ipv4.ping_group_range": f"0 {groups - 1}"} if groups < _GROUPS else {}


def _namespace(kind: str, mode: str) -> Json:
    """`container:ID` is a path the runtime understands: it joins by pidfd, not by number."""
    return {"type": kind, "path": mode} if joined(mode) else {"type": kind}


def resources(host: Json, facts: Facts | None = None) -> Json:
    """The cgroup limits; without `facts` only those that `update` may change."""
    out: Json = {}
    if facts is not None:
        out["devices"] = _device_rules(host, facts)
    memory: Json = {}
    if host["Memory"] > 0:
        memory["limit"] = host["Memory"]
    if host["MemoryReservation"] > 0:
        memory["reservation"] = host["MemoryReservation"]
    if host["MemorySwap"] > 0:
        memory["swap"] = host["MemorySwap"]
    if host["MemorySwappiness"] is not None:
        memory["swappiness"] = host["MemorySwappiness"]
    memory["disableOOMKiller"] = bool(host["OomKillDisable"])
    out["memory"] = memory
    cpu = _cpu(host)
    if cpu:
        out["cpu"] = cpu
    if host["PidsLimit"]:
        out["pids"] = {"limit": host["PidsLimit"]}
    out["blockIO"] = _block_io(host, facts)
    return out


def _device_rules(host: Json, facts: Facts) -> list[Json]:
    base = [dict(rule) for rule in devices.DEFAULT_RULES]
    if host["Privileged"]:
        return [*base, {"allow": True, "access": "rwm"}]
    custom = [devices.cgroup_rule(text) for text in host["DeviceCgroupRules"] or ()]
    return [*base, *facts.rules, *custom]


def _cpu(host: Json) -> Json:
    out: Json = {}
    if host["CpuShares"]:
        out["shares"] = _shares(host["CpuShares"])
    if host["NanoCpus"] > 0:
        out["quota"] = host["NanoCpus"] * _PERIOD // 1_000_000_000
        out["period"] = _PERIOD
    if host["CpuQuota"]:
        out["quota"] = host["CpuQuota"]
    if host["CpuPeriod"]:
        out["period"] = host["CpuPeriod"]
    if host["CpusetCpus"]:
        out["cpus"] = host["CpusetCpus"]
    if host["CpusetMems"]:
        out["mems"] = host["CpusetMems"]
    if host["CpuRealtimePeriod"]:
        out["realtimePeriod"] = host["CpuRealtimePeriod"]
    if host["CpuRealtimeRuntime"]:
        out["realtimeRuntime"] = host["CpuRealtimeRuntime"]
    return out


def _shares(shares: int) -> int:
    # The kernel would clamp silently; runc says so.
    for wrong, bound in (
        (shares < _LEAST_SHARES, f"minimum allowed cpu-shares is {_LEAST_SHARES}"),
        (shares > _MOST_SHARES, f"maximum allowed cpu-shares is {_MOST_SHARES}"),
    ):
        if wrong:
            raise failures.launch_error(
                f"error setting cgroup config for procHooks process: the {bound}"
            )[0]
    return shares


_THROTTLES = (
    ("BlkioDeviceReadBps", "throttleReadBpsDevice"),
    ("BlkioDeviceWriteBps", "throttleWriteBpsDevice"),
    ("BlkioDeviceReadIOps", "throttleReadIOPSDevice"),
    ("BlkioDeviceWriteIOps", "throttleWriteIOPSDevice"),
)


def _block_io(host: Json, facts: Facts | None) -> Json:
    out: Json = {}
    if host["BlkioWeight"]:
        out["weight"] = host["BlkioWeight"]
    if facts is None:
        return out
    if host["BlkioWeightDevice"]:
        out["weightDevice"] = [
            {**_number(facts, d), "weight": d["Weight"]} for d in host["BlkioWeightDevice"]
        ]
    for key, name in _THROTTLES:
        if host[key]:
            out[name] = [{**_number(facts, d), "rate": d["Rate"]} for d in host[key]]
    return out


def _number(facts: Facts, device: Json) -> Json:
    major, minor = facts.blkio[device["Path"]]
    return {"major": major, "minor": minor}


def block_paths(host: Json) -> list[str]:
    """The devices whose numbers `Facts.blkio` must hold."""
    keys = ("BlkioWeightDevice", *(key for key, _ in _THROTTLES))
    return [d["Path"] for key in keys for d in host[key] or ()]
