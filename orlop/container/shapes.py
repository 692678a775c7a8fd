"""Is a decoded record usable? Types of every field that the engine reads; unknown ones are free.

A record that fails is damaged: guessing at it could start a container with less confinement than
was asked for.
"""

from __future__ import annotations

from typing import Any

from orlop.container.times import nanoseconds
from orlop.errors import InvalidArgument

Json = dict[str, Any]


class Damaged(Exception):
    """A record that cannot be used, with the reason."""


def _words(kind: Any, text: str) -> dict[str, Any]:
    return dict.fromkeys(text.split(), kind)


_TEXTS, _OBJECTS = "list of text", "list of objects"

_RECORD = {
    **_words(str, "ID Name Created Path Image"),
    **_words(dict, "State Config"),
    **_words((dict, None), "NetworkSettings MountPoints ImagePlatform"),
    **_words((_TEXTS, None), "Args"),
    **_words(int, "RestartCount"),
    **_words(bool, "HasBeenStartedBefore HasBeenManuallyStopped"),
    **_words(str, "LogPath HostnamePath HostsPath ShmPath ResolvConfPath Driver OS"),
}
_STATE = {
    **_words(bool, "Running Paused Restarting OOMKilled Dead"),
    **_words(int, "Pid ExitCode"),
    **_words(str, "Error StartedAt FinishedAt"),
    **_words((dict, None), "Health"),
}
_CONFIG = {
    **_words(str, "Hostname Domainname User Image WorkingDir StopSignal"),
    **_words(bool, "AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce"),
    **_words((_TEXTS, None), "Env Cmd Entrypoint OnBuild Shell"),
    **_words((dict, None), "Labels Volumes ExposedPorts Healthcheck"),
    **_words((int, None), "StopTimeout"),
}
_HOST = {
    **_words(str, "NetworkMode VolumeDriver CgroupnsMode IpcMode PidMode UTSMode UsernsMode"),
    **_words(str, "Runtime Isolation CgroupParent CpusetCpus CpusetMems ContainerIDFile Cgroup"),
    **_words(bool, "AutoRemove Privileged PublishAllPorts ReadonlyRootfs"),
    **_words((bool, None), "Init OomKillDisable"),
    **_words(int, "OomScoreAdj ShmSize CpuShares Memory NanoCpus BlkioWeight CpuPeriod CpuQuota"),
    **_words(int, "CpuRealtimePeriod CpuRealtimeRuntime MemoryReservation MemorySwap"),
    **_words((int, None), "MemorySwappiness PidsLimit"),
    **_words(dict, "LogConfig RestartPolicy"),
    **_words((dict, None), "PortBindings Tmpfs Sysctls Annotations StorageOpt"),
    **_words((_TEXTS, None), "Binds VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch Links"),
    **_words((_TEXTS, None), "ExtraHosts GroupAdd SecurityOpt DeviceCgroupRules"),
    **_words((_TEXTS, None), "MaskedPaths ReadonlyPaths"),
    **_words((_OBJECTS, None), "Devices DeviceRequests Ulimits Mounts BlkioWeightDevice"),
    **_words((_OBJECTS, None), "BlkioDeviceReadBps BlkioDeviceWriteBps"),
    **_words((_OBJECTS, None), "BlkioDeviceReadIOps BlkioDeviceWriteIOps"),
}
_ULIMIT = {**_words(str, "Name"), **_words(int, "Soft Hard")}
_POINT = {
    **_words(str, "Source Destination Name Driver Type Propagation Relabel"),
    **_words(bool, "RW SkipMountpointCreation"),
    **_words((dict, None), "Spec"),
}
_TRIVIAL = {
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "WorkingDir": "",
    "User": "",
    "Hostname": "",
}


def record(document: Json, id: str) -> None:
    """config.v2.json of `id`. Raises Damaged; fills in trivial fields that are absent."""
    where = "config.v2.json"
    if document.get("ID") != id:
        raise Damaged(f"{where} belongs to another container")
    for key in ("State", "Name", "Config", "Created", "Path"):
        if key not in document:
            raise Damaged(f"{where}: {key} is missing")
    _fields(where, document, _RECORD)
    _fields(f"{where}: State", document["State"], _STATE)
    _fields(f"{where}: Config", document["Config"], _CONFIG)
    for at in (document["Created"], *_times(document["State"])):
        try:
            nanoseconds(at)
        except InvalidArgument as error:
            raise Damaged(f"{where}: {error.message}") from None
    for point in (document.get("MountPoints") or {}).values():
        if not isinstance(point, dict) or "Destination" not in point:
            raise Damaged(f"{where}: MountPoints has the wrong type")
        _fields(f"{where}: MountPoints", point, _POINT)
    _networks(where, document.get("NetworkSettings") or {})
    if document.get("Args") is None:
        document["Args"] = []
    for key, default in _TRIVIAL.items():
        document["Config"].setdefault(key, default)


def _times(state: Json) -> list[str]:
    return [state[key] for key in ("StartedAt", "FinishedAt") if key in state]


def _networks(where: str, settings: Json) -> None:
    networks = settings.get("Networks")
    if networks is None:
        settings["Networks"] = {}
    elif not isinstance(networks, dict) or not all(isinstance(v, dict) for v in networks.values()):
        raise Damaged(f"{where}: Networks has the wrong type")


def host_config(document: Json) -> None:
    """hostconfig.json. Raises Damaged."""
    _fields("hostconfig.json", document, _HOST)
    for limit in document.get("Ulimits") or ():
        _fields("hostconfig.json: Ulimits", limit, _ULIMIT)


def _fields(where: str, document: Json, expected: dict[str, Any]) -> None:
    for key, kind in expected.items():
        if key in document and not _fits(document[key], kind):
            raise Damaged(f"{where}: {key} has the wrong type")


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, tuple):
        return any(_fits(value, each) for each in kind)
    if kind is None:
        return value is None
    if kind is _TEXTS:
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if kind is _OBJECTS:
        return isinstance(value, list) and all(isinstance(v, dict) for v in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
