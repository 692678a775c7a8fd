"""Change limits and restart policy of a container, running or not."""

from __future__ import annotations

from typing import Any

from orlop.container import cgroups, policy, resources, spec, validate
from orlop.container.containers import Containers
from orlop.errors import Conflict, InvalidArgument, OrlopError, SystemFailure

Json = dict[str, Any]

_FIELDS = (
    "CpuShares",
    "Memory",
    "NanoCpus",
    "BlkioWeight",
    "CpuPeriod",
    "CpuQuota",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "CpusetCpus",
    "CpusetMems",
    "MemoryReservation",
    "MemorySwap",
    "PidsLimit",
)
_REAL_TIME = ("CpuRealtimePeriod", "CpuRealtimeRuntime")
_UNCHANGED = dict.fromkeys(_REAL_TIME, 0)


def update(containers: Containers, ref: str, changes: Json) -> list[str]:
    """`changes`: HostConfig fields of the API's update body; zero means unchanged. Warnings."""
    wanted = {k: changes[k] for k in _FIELDS if changes.get(k)}
    if changes.get("PidsLimit") is not None:
        wanted["PidsLimit"] = max(changes["PidsLimit"], 0)  # 0 and below: unlimited
    if changes.get("IOMaximumIOps") or changes.get("IOMaximumBandwidth"):
        raise InvalidArgument(
            "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"
        )
    restart = changes.get("RestartPolicy") or {}
    if restart.get("Name"):
        validate.restart_policy(restart)
    else:
        restart = {}
    # As dockerd, real-time limits are noted, unchecked, for the next start.
    later = {k: wanted.pop(k) for k in _REAL_TIME if k in wanted}
    warnings = resources.check(wanted, containers.info, update=True)
    container = containers.get(ref)
    prefix = f"Cannot update container {container.id}: "
    with container.lock:
        if container.state.removing or container.state.dead:
            raise Conflict(prefix + 'container is marked for removal and cannot be "update".')
        host = container.host_config
        try:
            _merge(host, {**wanted, **later})
            _restart(host, restart)
        except Conflict as error:
            raise Conflict(prefix + error.message) from None
        if container.state.running and not container.state.restarting and wanted:
            try:
                cgroups.update(containers, container.id, host, spec.resources(_for_the_group(host)))
            except OSError as error:
                raise SystemFailure(f"{prefix}{error.strerror}: {error.filename}") from error
            except OrlopError as error:
                raise type(error)(prefix + error.message) from error
        container.save(host_config=host)
        if restart and not policy.restarts(
            host["RestartPolicy"], container.state.exit_code, 0, stopped_by_user=False
        ):
            _calm(containers, container)
        containers.publish(container, "update")
    return warnings


def _for_the_group(host: Json) -> Json:
    """A limit that is lifted has to be written, too."""
    lifted = {"PidsLimit": -1} if host["PidsLimit"] == 0 else {}
    return {**host, **_UNCHANGED, **lifted}


def _calm(containers: Containers, container: Any) -> None:
    from orlop.container import kill

    kill.cancel_restart(container)


def _merge(host: Json, wanted: Json) -> None:
    """New limits over old ones. Raises Conflict where they contradict."""
    if wanted.get("CpuPeriod") and host["NanoCpus"]:
        raise Conflict(
            "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set"
        )
    if wanted.get("CpuQuota") and host["NanoCpus"]:
        raise Conflict(
            "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set"
        )
    if wanted.get("NanoCpus") and host["CpuPeriod"]:
        raise Conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set"
        )
    if wanted.get("NanoCpus") and host["CpuQuota"]:
        raise Conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set"
        )
    memory, swap = wanted.get("Memory"), wanted.get("MemorySwap")
    if memory and not swap and 0 <= host["MemorySwap"] < memory:
        raise Conflict(
            "Memory limit should be smaller than already set memoryswap limit, "
            "update the memoryswap at the same time"
        )
    if (
        wanted.get("MemoryReservation")
        and not memory
        and 0 < host["Memory"] < wanted["MemoryReservation"]
    ):
        raise Conflict("Minimum memory limit should be larger than memory reservation limit")
    if swap and swap > 0 and not memory and swap < host["Memory"]:
        raise Conflict("Minimum memoryswap limit should be larger than memory limit, see usage")
    for key, value in wanted.items():
        host[key] = value


def _restart(host: Json, restart: Json) -> None:
    if not restart:
        return
    if host["AutoRemove"] and restart["Name"] != "no":
        raise Conflict(
            "Restart policy cannot be updated because AutoRemove is enabled for the container"
        )
    host["RestartPolicy"] = {
        "Name": restart["Name"],
        "MaximumRetryCount": restart.get("MaximumRetryCount") or 0,
    }
