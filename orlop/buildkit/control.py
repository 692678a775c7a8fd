"""`moby.buildkit.v1.Control`: build, tell about it, say what the builder is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from orlop.builder import prune
from orlop.builder.builder import Builder
from orlop.buildkit import handles, tunnel, usage
from orlop.buildkit import messages as m
from orlop.buildkit.export import export
from orlop.buildkit.frontend import Build, prepare
from orlop.buildkit.grpc import UNIMPLEMENTED, UNKNOWN, Handler, Incoming, RpcFailure
from orlop.buildkit.jobs import Job
from orlop.buildkit.session import nobody
from orlop.network.containerfiles import host_gateways
from orlop.oci import platform as platforms
from orlop.protobuf import encode

if TYPE_CHECKING:
    from orlop.buildkit.buildkit import Buildkit

Json = dict[str, Any]
_SERVICE = "/moby.buildkit.v1.Control"
_ENTITLEMENTS = ("network.host", "security.insecure")
_FRONTENDS = ("dockerfile.v0", "gateway.v0")


def control(kit: Buildkit) -> dict[str, Handler]:
    """The service's methods by path."""
    calls = {
        "Solve": _solve, "Status": _status, "ListWorkers": _list_workers, "Info": _info,
        "DiskUsage": _disk_usage, "Prune": _prune, "Session": tunnel.session,
        "ListenBuildHistory": _no_history, "UpdateBuildHistory": _no_history,
    }  # fmt: skip
    return {
        f"{_SERVICE}/{name}": lambda call, run=run: run(kit, call)  # type: ignore[misc]
        for name, run in calls.items()
    }


def _no_history(kit: Buildkit, call: Incoming) -> None:
    raise RpcFailure(UNIMPLEMENTED, "build history is not kept by this engine")


def _solve(kit: Buildkit, call: Incoming) -> None:
    request = call.request(m.SOLVE_REQUEST)
    job = begin(kit, request)
    call.gone(job.cancel)
    call.send(m.SOLVE_RESPONSE, {"exporter_response": solve(kit, job)})


def begin(kit: Buildkit, request: Json, body: BinaryIO | None = None) -> Job:
    """A job for a SolveRequest; `body`: the context, where it comes with the request. `solve` it.

    Raises NotFound, Conflict, RpcFailure.
    """
    for name in request.get("entitlements", ()):
        if name not in _ENTITLEMENTS:
            raise RpcFailure(
                UNKNOWN, f"granting entitlement {name} is not allowed by build daemon configuration"
            )
    name = request.get("session", "")
    session = kit.sessions.get(name) if name else nobody()
    job = kit.jobs.begin(request.get("ref", ""), session, request, body)
    session.gone(job.cancel)
    return job


def solve(kit: Buildkit, job: Job) -> dict[str, str]:
    """Carry it out; what the client is told of it. Raises RpcFailure, an OrlopError."""
    try:
        return export(kit.builder, job, _result(kit, job))
    finally:
        kit.jobs.end(job)


def _result(kit: Buildkit, job: Job) -> Build | None:
    request = job.request
    frontend = request.get("frontend", "")
    if frontend:
        inputs = request.get("inputs", {})
        return run_frontend(kit, job, frontend, request.get("attrs", {}), inputs)
    if request.get("definition", {}).get("ops"):
        raise RpcFailure(UNKNOWN, "solving LLB definitions is not supported by this builder")
    returned = job.wait_for_return()
    error = returned.get("error")
    if error:
        details = encode(m.STATUS, error) if error.get("details") else b""
        raise RpcFailure(error.get("code", UNKNOWN), error.get("message", ""), details)
    return _returned(job, returned.get("result", {}))


def run_frontend(kit: Buildkit, job: Job, name: str, attrs: dict[str, str], inputs: Json) -> Build:
    """`inputs`: other builds' outcomes by the name that an attribute `input:NAME` gives them.

    Raises RpcFailure.
    """
    if name not in _FRONTENDS:
        raise RpcFailure(UNKNOWN, f"invalid frontend: {name}")
    build = prepare(kit, job, attrs)
    for key, found in inputs.items():
        which = handles.meant(found)
        if which is not None:
            build.sources.stand_on(key, find(kit.jobs.get(which[0]), which[1]))
    return build


def _returned(job: Job, result: Json) -> Build | None:
    """The build that a result means; None for an empty one."""
    ids = [result.get("old_ref", ""), result.get("ref", {}).get("id", "")]
    ids += result.get("old_refs", {}).get("refs", {}).values()
    ids += [ref.get("id", "") for ref in result.get("refs", {}).get("refs", {}).values()]
    named = [id for id in ids if id]
    if len(named) > 1:
        raise RpcFailure(UNKNOWN, "exporting multiple references is not supported")
    return find(job, named[0]) if named else None


def find(job: Job, id: str) -> Build:
    """Raises RpcFailure."""
    found = job.builds.get(id)
    if found is None:
        raise RpcFailure(UNKNOWN, f"no such ref: {id}")
    return found


def _status(kit: Buildkit, call: Incoming) -> None:
    job = kit.jobs.get(call.request(m.STATUS_REQUEST).get("ref", ""))
    for data in job.story():
        call.send_encoded(data)


def _disk_usage(kit: Buildkit, call: Incoming) -> None:
    request = call.request(m.DISK_USAGE_REQUEST)
    found = list(usage.records(kit.builder, request.get("filter", [])))
    call.send(m.DISK_USAGE, {"record": found})


def _prune(kit: Buildkit, call: Incoming) -> None:
    kit.builder.kept.drop(offered=False)
    for record in usage.drop(kit.builder, call.request(m.PRUNE_REQUEST)):
        call.send(m.USAGE, record)


def _list_workers(kit: Buildkit, call: Incoming) -> None:
    call.request(m.EMPTY)
    call.send(m.WORKERS, {"record": [worker(kit.builder)]})


def _info(kit: Buildkit, call: Incoming) -> None:
    call.request(m.EMPTY)
    call.send(m.INFO, {"version": version()})


def version() -> Json:
    """dockerd's has no release of BuildKit's either."""
    return {"package": "github.com/moby/buildkit", "version": "v0.0.0+unknown"}


def worker(builder: Builder) -> Json:
    """What the builder is, as BuildKit calls it. The rules of its cache are `prune.tidy`'s."""
    host = platforms.default()
    found = {"architecture": host.architecture, "os": host.os, "variant": host.variant}
    labels = {}
    gateways = host_gateways(builder.containers.networks)
    if gateways:
        labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"] = gateways[0]
    rules = [
        {"all": True, "keep_duration": prune.AGE_DAYS * 86400 * 10**9},
        {"all": True, "reserved": prune.MOST},
    ]
    return {
        "id": "orlop", "labels": labels, "platforms": [found], "policies": rules,
        "version": version(),
    }  # fmt: skip
