"""The shapes of request bodies, with Docker's field names. Only what validates; verbs get dicts."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Int = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Unsigned = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Strings = list[str] | None
Map = dict[str, str | None] | None
Text = str | None
Flag = bool | None
Number = Int | None


class Shape(Struct, omit_defaults=True):
    """Absent and null are the same, and neither reaches a verb."""


class HealthConfig(Shape):
    Test: Strings = None
    Interval: Number = None
    Timeout: Number = None
    StartPeriod: Number = None
    StartInterval: Number = None
    Retries: Number = None


class Config(Shape):
    Hostname: Text = None
    Domainname: Text = None
    User: Text = None
    AttachStdin: Flag = None
    AttachStdout: Flag = None
    AttachStderr: Flag = None
    ExposedPorts: dict[str, dict[str, Any] | None] | None = None
    Tty: Flag = None
    OpenStdin: Flag = None
    StdinOnce: Flag = None
    Env: Strings = None
    Cmd: list[str] | str | None = None
    Healthcheck: HealthConfig | None = None
    ArgsEscaped: Flag = None
    Image: Text = None
    Volumes: dict[str, dict[str, Any] | None] | None = None
    WorkingDir: Text = None
    Entrypoint: list[str] | str | None = None
    NetworkDisabled: Flag = None
    MacAddress: Text = None
    OnBuild: Strings = None
    Labels: dict[str, str] | None = None
    StopSignal: Text = None
    StopTimeout: Number = None
    Shell: list[str] | str | None = None


class WeightDevice(Shape):
    Path: Text = None
    Weight: Annotated[int, Meta(ge=0, le=65535)] | None = None


class ThrottleDevice(Shape):
    Path: Text = None
    Rate: Unsigned | None = None


class DeviceMapping(Shape):
    PathOnHost: Text = None
    PathInContainer: Text = None
    CgroupPermissions: Text = None


class DeviceRequest(Shape):
    Driver: Text = None
    Count: Number = None
    DeviceIDs: Strings = None
    Capabilities: list[list[str]] | None = None
    Options: Map = None


class Ulimit(Shape):
    Name: Text = None
    Soft: Number = None
    Hard: Number = None


class RestartPolicy(Shape):
    Name: Text = None
    MaximumRetryCount: Number = None


class Resources(Shape):
    CpuShares: Number = None
    Memory: Number = None
    NanoCpus: Number = None
    CgroupParent: Text = None
    BlkioWeight: Annotated[int, Meta(ge=0, le=65535)] | None = None
    BlkioWeightDevice: list[WeightDevice] | None = None
    BlkioDeviceReadBps: list[ThrottleDevice] | None = None
    BlkioDeviceWriteBps: list[ThrottleDevice] | None = None
    BlkioDeviceReadIOps: list[ThrottleDevice] | None = None
    BlkioDeviceWriteIOps: list[ThrottleDevice] | None = None
    CpuPeriod: Number = None
    CpuQuota: Number = None
    CpuRealtimePeriod: Number = None
    CpuRealtimeRuntime: Number = None
    CpusetCpus: Text = None
    CpusetMems: Text = None
    Devices: list[DeviceMapping] | None = None
    DeviceCgroupRules: Strings = None
    DeviceRequests: list[DeviceRequest] | None = None
    KernelMemory: Number = None
    KernelMemoryTCP: Number = None
    MemoryReservation: Number = None
    MemorySwap: Number = None
    MemorySwappiness: Number = None
    OomKillDisable: Flag = None
    PidsLimit: Number = None
    Ulimits: list[Ulimit] | None = None
    CpuCount: Number = None
    CpuPercent: Number = None
    IOMaximumIOps: Unsigned | None = None
    IOMaximumBandwidth: Unsigned | None = None


class UpdateConfig(Resources):
    RestartPolicy: RestartPolicy | None = None


class PortBinding(Shape):
    HostIp: Text = None
    HostPort: Text = None


class LogConfig(Shape):
    Type: Text = None
    Config: Map = None


class BindOptions(Shape):
    Propagation: Text = None
    NonRecursive: Flag = None
    CreateMountpoint: Flag = None
    ReadOnlyNonRecursive: Flag = None
    ReadOnlyForceRecursive: Flag = None


class DriverConfig(Shape):
    Name: Text = None
    Options: Map = None


class VolumeOptions(Shape):
    NoCopy: Flag = None
    Labels: Map = None
    DriverConfig: DriverConfig | None = None
    Subpath: Text = None


class ImageOptions(Shape):
    Subpath: Text = None


class TmpfsOptions(Shape):
    SizeBytes: Number = None
    Mode: Annotated[int, Meta(ge=0, le=(1 << 32) - 1)] | None = None
    Options: list[list[str]] | None = None


class Mount(Shape):
    Type: Text = None
    Source: Text = None
    Target: Text = None
    ReadOnly: Flag = None
    Consistency: Text = None
    BindOptions: BindOptions | None = None
    VolumeOptions: VolumeOptions | None = None
    ImageOptions: ImageOptions | None = None
    TmpfsOptions: TmpfsOptions | None = None
    ClusterOptions: dict[str, Any] | None = None


class HostConfig(Resources):
    Binds: Strings = None
    ContainerIDFile: Text = None
    LogConfig: LogConfig | None = None
    NetworkMode: Text = None
    PortBindings: dict[str, list[PortBinding] | None] | None = None
    RestartPolicy: RestartPolicy | None = None
    AutoRemove: Flag = None
    VolumeDriver: Text = None
    VolumesFrom: Strings = None
    ConsoleSize: list[Unsigned] | None = None
    Annotations: Map = None
    CapAdd: list[str] | str | None = None
    CapDrop: list[str] | str | None = None
    CgroupnsMode: Text = None
    Dns: Strings = None
    DnsOptions: Strings = None
    DnsSearch: Strings = None
    ExtraHosts: Strings = None
    GroupAdd: Strings = None
    IpcMode: Text = None
    Cgroup: Text = None
    Links: Strings = None
    OomScoreAdj: Number = None
    PidMode: Text = None
    Privileged: Flag = None
    PublishAllPorts: Flag = None
    ReadonlyRootfs: Flag = None
    SecurityOpt: Strings = None
    StorageOpt: Map = None
    Tmpfs: Map = None
    UTSMode: Text = None
    UsernsMode: Text = None
    ShmSize: Number = None
    Sysctls: Map = None
    Runtime: Text = None
    Isolation: Text = None
    Mounts: list[Mount] | None = None
    MaskedPaths: Strings = None
    ReadonlyPaths: Strings = None
    Init: Flag = None


class EndpointIPAM(Shape):
    IPv4Address: Text = None
    IPv6Address: Text = None
    LinkLocalIPs: Strings = None


class Endpoint(Shape):
    IPAMConfig: EndpointIPAM | None = None
    Links: Strings = None
    Aliases: Strings = None
    MacAddress: Text = None
    DriverOpts: Map = None
    GwPriority: Number = None
    NetworkID: Text = None
    EndpointID: Text = None
    Gateway: Text = None
    IPAddress: Text = None
    IPPrefixLen: Number = None
    IPv6Gateway: Text = None
    GlobalIPv6Address: Text = None
    GlobalIPv6PrefixLen: Number = None
    DNSNames: Strings = None


class Networking(Shape):
    EndpointsConfig: dict[str, Endpoint | None] | None = None


class CreateContainer(Config):
    HostConfig: HostConfig | None = None
    NetworkingConfig: Networking | None = None


class Exec(Shape):
    User: Text = None
    Privileged: Flag = None
    Tty: Flag = None
    ConsoleSize: list[Unsigned] | None = None
    AttachStdin: Flag = None
    AttachStderr: Flag = None
    AttachStdout: Flag = None
    DetachKeys: Text = None
    Env: Strings = None
    WorkingDir: Text = None
    Cmd: Strings = None
    Detach: Flag = None


class ExecStart(Shape):
    Detach: Flag = None
    Tty: Flag = None
    ConsoleSize: list[Unsigned] | None = None


class Auth(Shape):
    username: Text = None
    password: Text = None
    auth: Text = None
    email: Text = None
    serveraddress: Text = None
    identitytoken: Text = None
    registrytoken: Text = None


class CreateVolume(Shape):
    Name: Text = None
    Driver: Text = None
    DriverOpts: Map = None
    Labels: Map = None
    ClusterVolumeSpec: dict[str, Any] | None = None


class Pool(Shape):
    Subnet: Text = None
    IPRange: Text = None
    Gateway: Text = None
    AuxiliaryAddresses: Map = None


class IPAM(Shape):
    Driver: Text = None
    Options: Map = None
    Config: list[Pool] | None = None


class ConfigReference(Shape):
    Network: Text = None


class CreateNetwork(Shape):
    Name: Text = None
    CheckDuplicate: Flag = None
    Driver: Text = None
    Scope: Text = None
    Internal: Flag = None
    Attachable: Flag = None
    Ingress: Flag = None
    ConfigOnly: Flag = None
    ConfigFrom: ConfigReference | None = None
    IPAM: IPAM | None = None
    EnableIPv4: Flag = None
    EnableIPv6: Flag = None
    Options: Map = None
    Labels: Map = None


class Connect(Shape):
    Container: Text = None
    EndpointConfig: Endpoint | None = None


class Disconnect(Shape):
    Container: Text = None
    Force: Flag = None
