"""`/build`: the classic builder's calls."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from orlop.api import encode
from orlop.api.answer import Answer, Reply, Stream
from orlop.api.buildoffer import accepted
from orlop.api.buildours import PART, Ours, ours
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.builder import prune as pruning
from orlop.builder.build import build as building
from orlop.builder.build import dockerfile_of, ignore_of, with_epoch
from orlop.builder.builder import Builder
from orlop.builder.check import report, violation
from orlop.builder.classic import classic
from orlop.builder.context import Context
from orlop.builder.git import load_git
from orlop.builder.lint import lint
from orlop.builder.remote import is_git, load_url
from orlop.builder.request import Request
from orlop.builder.status import statuses
from orlop.builder.verify import verify
from orlop.errors import InvalidArgument, SystemFailure
from orlop.registry.credentials import decode_header

Json = dict[str, Any]
_KEEP = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"
_GO_KINDS: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "bool"}


def build(call: Call) -> Stream:
    """A tar of the context in the body, or `remote`. Answers JSON lines."""
    version = call.text("version")
    if version == "2":
        from orlop.api.buildkit import build as by_session

        return by_session(call)
    if version not in ("", "1"):
        raise InvalidArgument(f'invalid version "{version}"')
    builder = call.engine.builder
    asked = ours(call)
    with contextlib.ExitStack() as stack:
        if asked.offered:
            context = stack.enter_context(accepted(call, asked.offered))
            name = call.text("dockerfile") or "Dockerfile"
        else:
            context = stack.enter_context(contextlib.closing(Context(builder.spool)))
            name = _load(call, builder, context)
        named = _named(call, builder, context, asked, stack)
        request = with_epoch(_request(call, asked, context, name, named))
        if asked.check:
            return progress(_checked(call, stack.pop_all(), request))
        found = verify(builder, request) if asked.verify else building(builder, request)
        stack.enter_context(contextlib.closing(found))  # type: ignore[type-var]
        return progress(_messages(call, asked, found, stack.pop_all(), request))


def _named(
    call: Call, builder: Builder, context: Context, asked: Ours, stack: contextlib.ExitStack
) -> dict[str, Context | str]:
    """Named contexts; those that came in the body, each in a folder, as files."""
    source = context
    if call.text("remote") and any(v.startswith(PART) for v in asked.contexts.values()):
        source = stack.enter_context(contextlib.closing(Context(builder.spool)))
        source.load(call.body)
    out: dict[str, Context | str] = {}
    for name, text in asked.contexts.items():
        if not text.startswith(PART):
            out[name] = text
            continue
        found = source.part(text.removeprefix(PART))
        stack.callback(found.close)
        out[name] = found
    return out


def _messages(
    call: Call, asked: Ours, found: Any, stack: contextlib.ExitStack, request: Request
) -> Iterator[Json]:
    with stack:
        cancel = threading.Thread(  # it waits for containers, which the API's loop must not
            target=call.engine.builder.cancel, args=(request.id,), name="orlop-cancel", daemon=True
        )
        call.gone.call(cancel.start)
        if asked.events:
            yield from statuses(found)
        else:
            yield from classic(found, quiet=call.flag("q"))


def _checked(call: Call, stack: contextlib.ExitStack, request: Request) -> Iterator[Json]:
    with stack:
        ignore = ignore_of(request.context, request.dockerfile)
        text = dockerfile_of(request)
        images, asked = call.engine.builder.images, request.arguments
        found, how = lint(images, asked, text, ignore, request.platform, request.target)
        file = request.dockerfile.rpartition("/")[2]
        yield {"check": report(text, found, file), "count": len(found)}
        if found and how.error:
            raise violation(found)


def _load(call: Call, builder: Builder, context: Context) -> str:
    """Fill the context; the name of the Dockerfile in it."""
    remote = call.text("remote")
    name = call.text("dockerfile") or "Dockerfile"
    if not remote:
        context.load(call.body)
        return name
    if is_git(remote):
        keep = strings(call, "buildargs", "build args").get(_KEEP) in ("1", "true")
        load_git(context, remote, builder.spool, keep=keep)
    elif "://" in remote:
        if load_url(builder.images, context, remote):
            return "Dockerfile"
    else:
        raise SystemFailure(f"remoteURL ({remote}) could not be recognized as URL")
    return name


def document(call: Call, name: str, what: str, kind: type, go: str) -> Any:
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


def strings(call: Call, name: str, what: str) -> dict[str, Any]:
    found = document(call, name, what, dict, "map[string]string")
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


def _request(
    call: Call, asked: Ours, context: Context, name: str, named: dict[str, Context | str]
) -> Request:
    arguments = strings(call, "buildargs", "build args")
    labels = {k: v or "" for k, v in strings(call, "labels", "labels").items()}
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
        frozenset(asked.no_cache),
        tuple(str(c) for c in document(call, "cachefrom", "cache-from", list, "[]string")),
        call.flag("pull"),
        call.flag("rm", True),
        call.flag("forcerm"),
        call.flag("squash"),
        call.text("networkmode"),
        host_of(call),
        registries(call),
        asked.secrets,
        asked.agents,
        asked.explain,
        asked.insecure,
        contexts=named,
        id=call.text("buildid") or secrets.token_hex(16),
    )


def registries(call: Call) -> dict[str, Json]:
    """X-Registry-Config: credentials by registry."""
    try:
        found = decode_header(call.header("x-registry-config"))
    except InvalidArgument:
        return {}  # as dockerd: it is only a hint
    return {str(k): v for k, v in found.items() if isinstance(v, dict)}


def host_of(call: Call) -> Json:
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
    ulimits = document(call, "ulimits", "ulimit settings", list, "[]*container.Ulimit")
    if ulimits:
        host["Ulimits"] = ulimits
    options = document(call, "securityopt", "security options", list, "[]string")
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
