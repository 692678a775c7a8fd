"""`moby.buildkit.v1.frontend.LLBBridge`: the daemon's side of a frontend that the client runs.

buildx runs one that only hands its attributes on to `dockerfile.v0`; that much is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orlop.buildkit import messages as m
from orlop.buildkit import subrequests
from orlop.buildkit.control import find, run_frontend, worker
from orlop.buildkit.frontend import question
from orlop.buildkit.grpc import UNKNOWN, Handler, Incoming, RpcFailure
from orlop.buildkit.handles import definition
from orlop.buildkit.jobs import Job

if TYPE_CHECKING:
    from orlop.buildkit.buildkit import Buildkit

Json = dict[str, Any]
_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge"
_BUILD = "buildkit-controlapi-buildid"  # the header that names the build
# What dockerfile.v0 behind this bridge can do. Source: frontend/gateway/pb/caps.go.
_CAPABILITIES = (
    "solve.base", "solve.inlinereturn", "return", "returnmap", "importcaches", "proto.refarray",
    "reference.output", "frontend.inputs", "gateway.solve.metadata", "frontend.caps",
    "gateway.solve.evaluate", "gateway.evaluate", "gateway.warnings",
)  # fmt: skip
_OF_SOLVING = ("exporter.multiple",)  # source: solver/pb/caps.go


def gateway(kit: Buildkit) -> dict[str, Handler]:
    """The service's methods by path."""
    calls = {"Ping": _ping, "Solve": _solve, "Return": _return, "Evaluate": _evaluate,
             "Inputs": _inputs, "Warn": _warn}  # fmt: skip
    return {
        f"{_SERVICE}/{name}": lambda call, run=run: run(kit, call)  # type: ignore[misc]
        for name, run in calls.items()
    }


def _job(kit: Buildkit, call: Incoming) -> Job:
    id = call.first(_BUILD)
    if not id:
        raise RpcFailure(UNKNOWN, "no buildid found in context")
    return kit.jobs.get(id)


def _ping(kit: Buildkit, call: Incoming) -> None:
    call.request(m.EMPTY)
    _job(kit, call)
    able = [{"id": name, "enabled": True} for name in _CAPABILITIES]
    solving = [{"id": name, "enabled": True} for name in _OF_SOLVING]
    call.send(m.PONG, {"frontend": able, "llb": solving, "workers": [worker(kit.builder)]})


def _solve(kit: Buildkit, call: Incoming) -> None:
    request = call.request(m.FRONTEND_REQUEST)
    job = _job(kit, call)
    frontend = request.get("frontend", "")
    if not frontend:
        if request.get("definition", {}).get("ops"):
            raise RpcFailure(UNKNOWN, "solving LLB definitions is not supported by this builder")
        _send_result(call, {})
        return
    attrs = request.get("attrs", {})
    if attrs.get("requestid") == subrequests.DESCRIBE:
        _send_result(call, {"metadata": subrequests.describe()})
        return
    if attrs.get("requestid"):
        _send_result(call, {"metadata": question(kit, job, attrs)})
        return
    build = run_frontend(kit, job, frontend, attrs, request.get("inputs", {}))
    if request.get("evaluate"):
        build.carry_out()
    handle = {"id": build.id, "definition": definition(job.ref, build.id)}
    _send_result(call, {"ref": handle})


def _send_result(call: Incoming, result: Json) -> None:
    call.send(m.FRONTEND_RESPONSE, {"result": {"ref": {}, **result}})


def _evaluate(kit: Buildkit, call: Incoming) -> None:
    request = call.request(m.REF_REQUEST)
    find(_job(kit, call), request.get("ref", "")).carry_out()
    call.send(m.EMPTY, {})


def _return(kit: Buildkit, call: Incoming) -> None:
    request = call.request(m.RETURN_REQUEST)
    _job(kit, call).give(request)
    call.send(m.EMPTY, {})


def _inputs(kit: Buildkit, call: Incoming) -> None:
    call.request(m.EMPTY)
    call.send(m.EMPTY, {})


def _warn(kit: Buildkit, call: Incoming) -> None:
    warning = call.request(m.VERTEX_WARNING)
    _job(kit, call).tell(warnings=[warning])
    call.send(m.EMPTY, {})
