"""`POST /session` and `POST /grpc`: the connection leaves HTTP/1.1 for BuildKit's protocol."""

from __future__ import annotations

import base64
import contextlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from orlop.api import build as classic
from orlop.api.answer import Hijacked, Reply, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.errors import Conflict, InvalidArgument, OrlopError, SystemFailure

if TYPE_CHECKING:
    from orlop.buildkit.jobs import Job

Json = dict[str, Any]
_UPLOAD = "upload-request"
_NETWORKS = ("", "default", "host", "none")
_HEADER = "x-docker-expose-session-"


def session(call: Call) -> Reply:
    """The client lends its files, secrets and agents; it is the one that answers calls."""
    _check(call)
    kit = call.engine.buildkit
    id = call.header(_HEADER + "uuid")
    if not id:
        raise InvalidArgument("no session id in request")
    if any(known.id == id for known in kit.sessions.all()):
        raise Conflict(f"session {id} already exists")
    fd, leftover = _switch(call)
    kit.lend(
        fd,
        leftover,
        id=id,
        shared_key=call.header(_HEADER + "sharedkey"),
        methods=call.headers(_HEADER + "grpc-method"),
    )
    return Hijacked()


def grpc(call: Call) -> Reply:
    """The client calls."""
    _check(call)
    fd, leftover = _switch(call)
    call.engine.buildkit.serve(fd, leftover)
    return Hijacked()


def _check(call: Call) -> None:
    wanted = call.upgrade()
    if not wanted:
        raise InvalidArgument("no upgrade proto in request")
    if wanted != b"h2c":
        raise InvalidArgument(f"protocol {wanted.decode('ascii', 'replace')} not supported")


def _switch(call: Call) -> tuple[int, bytes]:
    return call.switch("101 Switching Protocols", ["Connection: Upgrade", "Upgrade: h2c"])


# --- POST /build?version=2 ------------------------------------------------------------------------


def build(call: Call) -> Stream:
    """The same builder for a CLI that posts its build (docker 19.03 to 20.10); its files come by a
    session. Answers JSON lines that hold BuildKit's status messages."""
    kit = call.engine.buildkit
    name = call.text("buildid")
    if name.startswith(f"{_UPLOAD}:"):
        kit.uploads.offer(name.partition(":")[2], call.body)
        return Stream(iter(()))
    return progress(_messages(call, name))


def _messages(call: Call, name: str) -> Iterator[Json]:
    from orlop.buildkit import control

    kit = call.engine.buildkit
    request = _request(call)
    remote = call.text("remote")
    with ExitStack() as stack:
        body = None
        if remote == _UPLOAD:
            upload = kit.uploads.take(name)
            stack.callback(upload.done.set)
            body = upload.stream
        elif not remote:
            body = call.body
        job = control.begin(kit, request, body)
        call.gone.call(job.cancel)
        stack.callback(job.cancel)
        call.engine.builder.cancels[name] = job.cancel
        stack.callback(call.engine.builder.cancels.pop, name, None)
        found: list[dict[str, str] | BaseException] = []
        thread = threading.Thread(
            target=_solve, args=(kit, job, found), name="orlop-solve", daemon=True
        )
        thread.start()
        quiet = call.flag("q")
        if not quiet:
            yield from _traces(job)
        thread.join()
        outcome = found[0]
        if quiet and isinstance(outcome, BaseException):
            yield from _traces(job)
        yield from _outcome(outcome, quiet=quiet)


def _traces(job: Job) -> Iterator[Json]:
    for data in job.story():
        yield {"id": "moby.buildkit.trace", "aux": base64.b64encode(data).decode()}


def _solve(kit: Any, job: Job, found: list[dict[str, str] | BaseException]) -> None:
    from orlop.buildkit import control

    try:
        found.append(control.solve(kit, job))
    except BaseException as error:
        found.append(error)


def _outcome(found: dict[str, str] | BaseException, *, quiet: bool) -> Iterator[Json]:
    if isinstance(found, OrlopError):
        raise SystemFailure(found.message)
    if isinstance(found, BaseException):
        raise found
    image = found.get("containerimage.digest")
    if image and quiet:
        yield {"stream": f"{image}\n"}
    elif image:
        yield {"id": "moby.image.id", "aux": {"ID": image}}


def _request(call: Call) -> Json:
    """A SolveRequest. Raises InvalidArgument."""
    outputs = classic.document(call, "outputs", "outputs", list, "[]backend.BuildOutput")
    if len(outputs) > 1:
        raise SystemFailure("multiple outputs not supported")
    tags = ",".join(tag for tag in call.texts("t") if tag)
    exporter: Json = {"type": "moby", "attrs": {}}
    for output in outputs:
        attrs = output.get("Attrs") if isinstance(output, dict) else None
        kind = output.get("Type") if isinstance(output, dict) else None
        exporter = {"type": str(kind or ""), "attrs": dict(attrs or {})}
    if exporter["type"] in ("moby", "image") and tags:
        exporter["attrs"]["name"] = tags
    return {
        "ref": secrets.token_hex(12),
        "session": call.text("session"),
        "frontend": "dockerfile.v0",
        "attrs": _attributes(call),
        "entitlements": ["network.host"] if call.text("networkmode") == "host" else [],
        "exporters": [] if exporter["type"] == "cacheonly" else [exporter],
    }


def _attributes(call: Call) -> dict[str, str]:
    arguments = classic.strings(call, "buildargs", "build args")
    labels = classic.strings(call, "labels", "labels")
    sources = classic.document(call, "cachefrom", "cache-from", list, "[]string")
    found = {f"build-arg:{k}": str(v) for k, v in arguments.items() if v is not None}
    found |= {f"label:{k}": str(v or "") for k, v in labels.items()}
    found["cache-from"] = ",".join(str(name) for name in sources)
    for name, key in (("target", "target"), ("dockerfile", "filename"), ("platform", "platform")):
        if call.text(name) not in ("", "."):
            found[key] = call.text(name)
    remote = call.text("remote")
    if remote not in ("", "client-session", _UPLOAD):
        found["context"] = remote
    if call.flag("nocache"):
        found["no-cache"] = ""
    found["image-resolve-mode"] = "pull" if call.flag("pull") else "default"
    network = call.text("networkmode")
    if network not in _NETWORKS:
        raise SystemFailure(f'network mode "{network}" not supported by buildkit')
    if network in ("host", "none"):
        found["force-network-mode"] = network
    host = classic.host_of(call)
    hosts = [str(text).replace(":", "=", 1) for text in host.get("ExtraHosts", ())]
    found["add-hosts"] = ",".join(hosts)
    found["ulimit"] = ",".join(_limit(one) for one in host.get("Ulimits", ()))
    if host.get("ShmSize"):
        found["shm-size"] = str(host["ShmSize"])
    return found


def _limit(one: Any) -> str:
    with contextlib.suppress(TypeError, KeyError):
        return f"{one['Name']}={one['Soft']}:{one['Hard']}"
    raise InvalidArgument("error reading ulimit settings: not a list of ulimits")
