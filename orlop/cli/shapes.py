"""Typed views of API objects: Go's field names, zero values for what JSON leaves out, print order.

`{{.ID}}` of a container is the key "Id"; `{{.State.Health}}` without a health check is a nil
pointer.
A shape is a text: `Name[=key]:kind`. Kinds: s text, i int, b bool, f float, t time, j anything,
`[k`
list, `{k` map of text, `*k` pointer, `+T` embedded struct, T a shape; a
`?` behind it leaves an empty value out of JSON. Source: moby api/types 1.50.
"""

from __future__ import annotations

from orlop.cli.listing import go_time
from orlop.template.values import NilList, NilPointer, Struct, TypedMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RESOURCES = (
    "CPUShares=CpuShares:i Memory:i NanoCPUs=NanoCpus:i CgroupParent:s BlkioWeight:i "
    "BlkioWeightDevice:[j BlkioDeviceReadBps:[j BlkioDeviceWriteBps:[j BlkioDeviceReadIOps:[j "
    "BlkioDeviceWriteIOps:[j CPUPeriod=CpuPeriod:i CPUQuota=CpuQuota:i "
    "CPURealtimePeriod=CpuRealtimePeriod:i CPURealtimeRuntime=CpuRealtimeRuntime:i CpusetCpus:s "
    "CpusetMems:s Devices:[Device DeviceCgroupRules:[s DeviceRequests:[j KernelMemory:i "
    "KernelMemoryTCP:i MemoryReservation:i MemorySwap:i MemorySwappiness:*i OomKillDisable:*b "
    "PidsLimit:*i Ulimits:[*Ulimit CPUCount=CpuCount:i CPUPercent=CpuPercent:i IOMaximumIOps:i "
    "IOMaximumBandwidth:i"
)
SHAPES = {
    "container": "ContainerJSONBase:+Base Mounts:[MountPoint Config:*Config "
    "NetworkSettings:*NetworkSettings ImageManifestDescriptor:*j",
    "Base": "ID=Id:s Created:s Path:s Args:[s State:*State Image:s ResolvConfPath:s HostnamePath:s "
    "HostsPath:s LogPath:s Name:s RestartCount:i Driver:s Platform:s MountLabel:s ProcessLabel:s "
    "AppArmorProfile:s ExecIDs:[s HostConfig:*HostConfig GraphDriver:GraphDriver SizeRw:*i "
    "SizeRootFs:*i",
    "State": "Status:s Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error:s "
    "StartedAt:s FinishedAt:s Health:*Health",
    "Health": "Status:s FailingStreak:i Log:[*Probe",
    "Probe": "Start:t End:t ExitCode:i Output:s",
    "GraphDriver": "Data:{s Name:s",
    "MountPoint": "Type:s Name:s Source:s Destination:s Driver:s Mode:s RW:b Propagation:s",
    "Config": "Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b AttachStderr:b "
    "ExposedPorts:{e Tty:b OpenStdin:b StdinOnce:b Env:[s Cmd:[s Healthcheck:*Healthcheck "
    "ArgsEscaped:b Image:s Volumes:{e WorkingDir:s Entrypoint:[s NetworkDisabled:b MacAddress:s "
    "OnBuild:[s Labels:{s StopSignal:s StopTimeout:*i Shell:[s",
    "Healthcheck": "Test:[s Interval:d Timeout:d StartPeriod:d StartInterval:d Retries:i",
    "HostConfig": "Binds:[s ContainerIDFile:s LogConfig:LogConfig NetworkMode:s "
    "PortBindings:{[PortBinding RestartPolicy:RestartPolicy AutoRemove:b VolumeDriver:s "
    "VolumesFrom:[s ConsoleSize:[i Annotations:{s CapAdd:[s CapDrop:[s CgroupnsMode:s DNS=Dns:[s "
    "DNSOptions=DnsOptions:[s DNSSearch=DnsSearch:[s ExtraHosts:[s GroupAdd:[s IpcMode:s Cgroup:s "
    "Links:[s OomScoreAdj:i PidMode:s Privileged:b PublishAllPorts:b ReadonlyRootfs:b "
    "SecurityOpt:[s StorageOpt:{s Tmpfs:{s UTSMode:s UsernsMode:s ShmSize:i Sysctls:{s Runtime:s "
    "Isolation:s Resources:+Resources Mounts:[j MaskedPaths:[s ReadonlyPaths:[s Init:*b",
    "Resources": _RESOURCES,
    "Device": "PathOnHost:s PathInContainer:s CgroupPermissions:s",
    "Ulimit": "Name:s Hard:i Soft:i",
    "LogConfig": "Type:s Config:{s",
    "RestartPolicy": "Name:s MaximumRetryCount:i",
    "PortBinding": "HostIP=HostIp:s HostPort:s",
    "NetworkSettings": "NetworkSettingsBase:+NetworkBase DefaultNetworkSettings:+NetworkDefault "
    "Networks:{*Endpoint",
    "NetworkBase": "Bridge:s SandboxID:s SandboxKey:s Ports:{[PortBinding HairpinMode:b "
    "LinkLocalIPv6Address:s LinkLocalIPv6PrefixLen:i SecondaryIPAddresses:[j "
    "SecondaryIPv6Addresses:[j",
    "NetworkDefault": "EndpointID:s Gateway:s GlobalIPv6Address:s GlobalIPv6PrefixLen:i "
    "IPAddress:s IPPrefixLen:i IPv6Gateway:s MacAddress:s",
    "Endpoint": "IPAMConfig:*EndpointIPAM Links:[s Aliases:[s MacAddress:s DriverOpts:{s "
    "GwPriority:i NetworkID:s EndpointID:s Gateway:s IPAddress:s IPPrefixLen:i IPv6Gateway:s "
    "GlobalIPv6Address:s GlobalIPv6PrefixLen:i DNSNames:[s",
    "EndpointIPAM": "IPv4Address:s IPv6Address:s LinkLocalIPs:[s",
    "image": "ID=Id:s RepoTags:[s RepoDigests:[s Parent:s Comment:s Created:s Container:s "
    "ContainerConfig:*Config DockerVersion:s Author:s Config:*ImageConfig Architecture:s Variant:s "
    "Os:s OsVersion:s Size:i VirtualSize:i GraphDriver:GraphDriver RootFS:RootFS "
    "Metadata:Metadata Descriptor:*j Manifests:[j",
    "ImageConfig": "ImageConfig:+OCIConfig DockerOCIImageConfigExt:+ConfigExt",
    "OCIConfig": "User:s? ExposedPorts:{e? Env:[s? Entrypoint:[s? Cmd:[s? Volumes:{e? "
    "WorkingDir:s? Labels:{s? StopSignal:s? ArgsEscaped:b?",
    "ConfigExt": "Healthcheck:*Healthcheck? OnBuild:[s? Shell:[s?",
    "RootFS": "Type:s Layers:[s",
    "Metadata": "LastTagTime:t",
    "network": "Name:s ID=Id:s Created:t Scope:s Driver:s EnableIPv4:b EnableIPv6:b IPAM:IPAM "
    "Internal:b Attachable:b Ingress:b ConfigFrom:ConfigFrom ConfigOnly:b Containers:{Attached "
    "Options:{s Labels:{s Peers:[j Services:{j",
    "IPAM": "Driver:s Options:{s Config:[IPAMConfig",
    "IPAMConfig": "Subnet:s IPRange:s Gateway:s AuxAddress=AuxiliaryAddresses:{s",
    "ConfigFrom": "Network:s",
    "Attached": "Name:s EndpointID:s MacAddress:s IPv4Address:s IPv6Address:s",
    "volume": "ClusterVolume:*j CreatedAt:s Driver:s Labels:{s Mountpoint:s Name:s Options:{s "
    "Scope:s Status:{j UsageData:*Usage",
    "Usage": "RefCount:i Size:i",
    "info": "ID:s Containers:i ContainersRunning:i ContainersPaused:i ContainersStopped:i Images:i "
    "Driver:s DriverStatus:[j SystemStatus:[j Plugins:Plugins MemoryLimit:b SwapLimit:b "
    "KernelMemory:b KernelMemoryTCP:b CPUCfsPeriod=CpuCfsPeriod:b CPUCfsQuota=CpuCfsQuota:b "
    "CPUShares:b CPUSet:b PidsLimit:b IPv4Forwarding:b Debug:b NFd:i OomKillDisable:b "
    "NGoroutines:i SystemTime:s LoggingDriver:s CgroupDriver:s CgroupVersion:s NEventsListener:i "
    "KernelVersion:s OperatingSystem:s OSVersion:s OSType:s Architecture:s IndexServerAddress:s "
    "RegistryConfig:*j NCPU:i MemTotal:i GenericResources:[j DockerRootDir:s "
    "HTTPProxy=HttpProxy:s HTTPSProxy=HttpsProxy:s NoProxy:s Name:s Labels:[s "
    "ExperimentalBuild:b ServerVersion:s Runtimes:{j DefaultRuntime:s Swarm:Swarm "
    "LiveRestoreEnabled:b Isolation:s InitBinary:s ContainerdCommit:Commit RuncCommit:Commit "
    "InitCommit:Commit SecurityOptions:[s ProductLicense:s DefaultAddressPools:[j "
    "FirewallBackend:*j CDISpecDirs:[s DiscoveredDevices:[j Containerd:*j Warnings:[s",
    "Plugins": "Volume:[s Network:[s Authorization:[s Log:[s",
    "Swarm": "NodeID:s NodeAddr:s LocalNodeState:s ControlAvailable:b Error:s RemoteManagers:[j "
    "Nodes:i Managers:i Cluster:*j Warnings:[s",
    "Commit": "ID:s Expected:s",
    "event": "Status=status:s ID=id:s From=from:s Type:s Action:s Actor:Actor Scope=scope:s "
    "Time=time:i TimeNano=timeNano:i",
    "Actor": "ID:s Attributes:{s",
    "client": "Platform:*PlatformInfo Version:s APIVersion=ApiVersion:s DefaultAPIVersion:s "
    "GitCommit:s GoVersion:s Os:s Arch:s BuildTime:s Context:s",
    "PlatformInfo": "Name:s",
    "server": "Platform:PlatformInfo Components:[Component Version:s APIVersion=ApiVersion:s "
    "MinAPIVersion:s? GitCommit:s GoVersion:s Os:s Arch:s KernelVersion:s? Experimental:b? "
    "BuildTime:s?",
    "Component": "Name:s Version:s Details:{s",
}
_ZERO = {"s": "", "i": 0, "b": False, "f": 0.0, "d": 0, "j": None}


def typed(shape: str, value: dict[str, Any] | None, type_name: str = "") -> Struct:
    """`value` as a Go struct of that shape."""
    return _struct(shape, value or {}, type_name or f"types.{shape}")


def _struct(shape: str, raw: dict[str, Any], type_name: str, rest: bool = True) -> Struct:
    """`rest`: keys that the shape does not have stay in the JSON."""
    fields: dict[str, Any] = {}
    embedded = []
    json: dict[str, Any] = {}
    known: set[str] = set()
    for entry in SHAPES[shape].split():
        head, _, kind = entry.partition(":")
        name, _, key = head.partition("=")
        key = key or name
        spare = kind.endswith("?")
        kind = kind.removesuffix("?")
        if kind[0] == "+":
            inner = fields[name] = _struct(kind[1:], raw, f"types.{name}", False)
            embedded.append(name)
            known |= inner.known
            json.update({k: v for k, v in inner.json.items() if k not in json})
        else:
            fields[name] = _value(kind, raw.get(key))
            if key in raw and (raw[key] or not spare):
                json[key] = raw[key] if raw[key] is None else _plain(fields[name])
            known.add(key)
    for key, value in raw.items() if rest else ():
        if key not in known:
            json.setdefault(key, value)
    found = Struct(type_name, fields, json)
    found.embedded = tuple(embedded)
    found.known = known
    return found


def _plain(value: Any) -> Any:
    """As encoding/json has it: struct fields in order, keys of maps sorted."""
    if isinstance(value, Struct):
        return value.json
    if isinstance(value, TypedMap):
        return {k: _plain(value[k]) for k in sorted(value)}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _value(kind: str, raw: Any) -> Any:
    first = kind[0]
    if first == "*":
        if raw is None:
            return NilPointer(f"*types.{kind[1:]}")
        found = _value(kind[1:], raw)
        if isinstance(found, Struct):
            found.type_name = "*" + found.type_name
        return found
    if first == "[":
        if raw is None:
            return NilList()
        return [_value(kind[1:], one) for one in raw or ()]
    if first == "{":
        inner = kind[1:]
        if raw is None:
            empty = TypedMap({}, {"s": "string"}.get(inner, "interface {}"), _ZERO.get(inner))
            empty.is_nil = True
            return empty
        if inner == "e":  # map[string]struct{}
            return TypedMap({k: Struct("struct {}", {}, {}) for k in raw or ()}, "struct {}")
        zero = _ZERO.get(inner, [] if inner[0] == "[" else None)
        values = {k: _value(inner, v) for k, v in (raw or {}).items()}
        return TypedMap(values, {"s": "string"}.get(inner, "interface {}"), zero)
    if kind in _ZERO:
        found = _ZERO[kind] if raw is None else raw
        return _duration(int(str(found))) if kind == "d" else found
    if kind == "t":
        text = raw or "0001-01-01T00:00:00Z"
        return Struct("time.Time", {}, text, {"String": lambda: go_time(text)})
    return _struct(kind, raw or {}, f"types.{kind}")


def _duration(nanoseconds: int) -> Any:
    from orlop.cli.units import duration_text

    return Struct("time.Duration", {}, nanoseconds, {"String": lambda: duration_text(nanoseconds)})
