"""`/build`: the classic builder's calls."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from orlop.api import encode
from orlop.api.answer import Answer, Reply, Stream
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.builder import prune as pruning
from orlop.builder.build import build as building
from orlop.builder.build import dockerfile_of, with_epoch
from orlop.builder.builder import Builder
from orlop.builder.check import report
from orlop.builder.classic import classic
from orlop.builder.context import Context
from orlop.builder.remote import is_git, load_git, load_url
from orlop.builder.request import Request
from orlop.builder.status import statuses
from orlop.builder.verify import verify
from orlop.errors import InvalidArgument, NotSupported, SystemFailure
from orlop.registry.credentials import decode_header

Json = dict[str, Any]
_OURS = "x-orlop-build"
_GO_KINDS: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "bool"}


def build(call: Call) -> Stream:
    """A tar of the context in the body, or `remote`. Answers JSON lines."""
    version = call.text("version")
    if version == "2":
        raise NotSupported("BuildKit sessions are not supported by this engine")
    if version not in ("", "1"):
        raise InvalidArgument(f'invalid version "{version}"')
    builder = call.engine.builder
    context = Context(builder.spool)
    try:
        name = _load(call, builder, context)
        request = _request(call, context, name)
        request = with_epoch(request)
        ours = _ours(call)
        if ours.get("check"):
            return progress(_checked(context, request))
        found = verify(builder, request) if ours.get("verify") else building(builder, request)
    except BaseException:
        context.close()
        raise
    return progress(_messages(call, found, context, request))


def _messages(call: Call, found: Any, context: Context, request: Request) -> Iterator[Json]:
    with contextlib.closing(context), contextlib.closing(found):
        cancel = threading.Thread(  # it waits for containers, which the API's loop must not
            target=call.engine.builder.cancel, args=(request.id,), name="orlop-cancel", daemon=True
        )
        call.gone.call(cancel.start)
        if _ours(call).get("events"):
            yield from statuses(found)
        else:
            yield from classic(found, quiet=call.flag("q"))


def _checked(context: Context, request: Request) -> Iterator[Json]:
    with contextlib.closing(context):
        text, count = report(dockerfile_of(request))
        yield {"warnings": [{"short": text, "line": 0}]}
        if count:
            raise InvalidArgument(f"lint violation found: {count}")


def _load(call: Call, builder: Builder, context: Context) -> str:
    """Fill the context; the name of the Dockerfile in it."""
    remote = call.text("remote")
    name = call.text("dockerfile") or "Dockerfile"
    if not remote:
        context.load(call.body)
        return name
    if is_git(remote):
        load_git(context, remote, builder.spool)
    elif "://" in remote:
        if load_url(builder.images, context, remote):
            return "Dockerfile"
    else:
        raise SystemFailure(f"remoteURL ({remote}) could not be recognized as URL")
    return name


def _document(call: Call, name: str, what: str, kind: type, go: str) -> Any:
    """A query parameter that holds JSON. Raises InvalidArgument with Go's texts."""
    text = call.text(name)
    if not text:
        return kind()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        first = text.lstrip()[:1]
        where = "looking for beginning of value"
        if first in '{["':
            raise InvalidArgument(f"error reading {what}: unexpected end of JSON input") from None
        raise InvalidArgument(
            f"error reading {what}: invalid character '{first}' {where}"
        ) from None
    if found is None:
        return kind()
    if not isinstance(found, kind):
        got = _GO_KINDS.get(type(found), "number")
        raise InvalidArgument(
            f"error reading {what}: json: cannot unmarshal {got} into Go value of type {go}"
        )
    return found


def _strings(call: Call, name: str, what: str) -> dict[str, Any]:
    found = _document(call, name, what, dict, "map[string]string")
    for value in found.values():
        if value is not None and not isinstance(value, str):
            got = _GO_KINDS.get(type(value), "number")
            raise InvalidArgument(
                f"error reading {what}: json: cannot unmarshal {got} into Go value of type string"
            )
    return dict(found)


def _number(call: Call, name: str) -> int:
    """What is no number counts as 0, as in Docker."""
    try:
        return call.number(name)
    except SystemFailure:
        return 0


def _request(call: Call, context: Context, name: str) -> Request:
    arguments = _strings(call, "buildargs", "build args")
    labels = {k: v or "" for k, v in _strings(call, "labels", "labels").items()}
    ours = _ours(call)
    return Request(
        context,
        name,
        None,
        tuple(t for t in call.texts("t") if t),
        call.text("target"),
        arguments,
        labels,
        call.text("platform"),
        call.flag("nocache"),
        frozenset(str(s).lower() for s in ours.get("noCacheFilter") or ()),
        tuple(str(c) for c in _document(call, "cachefrom", "cache-from", list, "[]string")),
        call.flag("pull"),
        call.flag("rm", True),
        call.flag("forcerm"),
        call.flag("squash"),
        call.text("networkmode"),
        _host(call),
        _auth(call),
        {k: base64.b64decode(v) for k, v in (ours.get("secrets") or {}).items()},
        {str(k): str(v) for k, v in (ours.get("ssh") or {}).items()},
        bool(ours.get("explain")),
        bool(ours.get("insecure")),
        None,
        call.text("buildid") or secrets.token_hex(16),
    )


def _ours(call: Call) -> Json:
    """What the classic API has no place for: secrets, agents, --explain."""
    try:
        return decode_header(call.header(_OURS))
    except InvalidArgument:
        raise InvalidArgument(f"invalid {_OURS} header") from None


def _auth(call: Call) -> dict[str, Json]:
    try:
        found = decode_header(call.header("x-registry-config"))
    except InvalidArgument:
        return {}  # as dockerd: it is only a hint
    return {str(k): v for k, v in found.items() if isinstance(v, dict)}


def _host(call: Call) -> Json:
    """Limits of the steps' containers. Docker's names of the query, and of HostConfig."""
    host: Json = {}
    for name, key in (
        ("memory", "Memory"),
        ("memswap", "MemorySwap"),
        ("cpushares", "CpuShares"),
        ("cpuperiod", "CpuPeriod"),
        ("cpuquota", "CpuQuota"),
        ("shmsize", "ShmSize"),
    ):
        value = _number(call, name)
        if value:
            host[key] = value
    for name, key in (
        ("cpusetcpus", "CpusetCpus"),
        ("cpusetmems", "CpusetMems"),
        ("cgroupparent", "CgroupParent"),
        ("isolation", "Isolation"),
    ):
        if call.text(name):
            host[key] = call.text(name)
    if host.get("Isolation", "default") != "default":
        raise InvalidArgument(f'unsupported isolation: "{host["Isolation"]}"')
    hosts = [h for text in call.texts("extrahosts") for h in text.split(",") if h]
    if hosts:
        host["ExtraHosts"] = hosts
    ulimits = _document(call, "ulimits", "ulimit settings", list, "[]*container.Ulimit")
    if ulimits:
        host["Ulimits"] = ulimits
    options = _document(call, "securityopt", "security options", list, "[]string")
    if options:
        host["SecurityOpt"] = options
    return host


def cancel(call: Call) -> Answer:
    name = call.text("id")
    if not name:
        raise InvalidArgument("build ID not provided")
    call.engine.builder.cancel(name)
    return Answer(200, b"", "")


def prune(call: Call) -> Reply:
    found = pruning.prune(
        call.engine.builder,
        all=call.flag("all"),
        filters=call.filters(),
        keep=call.number("reserved-space") or call.number("keep-storage"),
    )
    return encode.json({"CachesDeleted": found.keys or None, "SpaceReclaimed": found.size})
