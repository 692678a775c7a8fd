"""`update`: limits and restart policy of containers that are there."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.request import restart_policy
from orlop.cli.session import Session
from orlop.client.transport import quote
from orlop.errors import OrlopError

_NUMBERS = (
    ("blkio-weight", "BlkioWeight"),
    ("cpu-shares", "CpuShares"),
    ("memory", "Memory"),
    ("memory-reservation", "MemoryReservation"),
    ("memory-swap", "MemorySwap"),
    ("kernel-memory", "KernelMemory"),
    ("cpu-period", "CpuPeriod"),
    ("cpu-quota", "CpuQuota"),
    ("cpu-rt-period", "CpuRealtimePeriod"),
    ("cpu-rt-runtime", "CpuRealtimeRuntime"),
    ("cpus", "NanoCpus"),
)


def update(session: Session, options: Options) -> None:
    if not options.values:
        raise Failure("you must provide one or more flags when using this command")
    try:
        policy = restart_policy(options.text("restart"))
    except ValueError as e:
        raise Failure(str(e)) from None
    body = {key: options.number(name) for name, key in _NUMBERS}
    request = {
        **body,
        "CpusetCpus": options.text("cpuset-cpus"),
        "CpusetMems": options.text("cpuset-mems"),
        "PidsLimit": options.number("pids-limit") or None,
        "RestartPolicy": policy,
    }
    warnings: list[str] = []
    errors = []
    for name in options.args:
        try:
            answer = session.client.call("POST", f"/containers/{quote(name)}/update", request)
        except OrlopError as e:
            errors.append(e.message)
        else:
            out(name + "\n")
            warnings += (answer or {}).get("Warnings") or []
    if warnings:
        out("\n".join(warnings) + "\n")
    if errors:
        raise Failure("\n".join(errors))
