"""`build`: send a context, show what happens, put the result where it is wanted."""

import binascii
import os
import time

from orlop.cli import buildcontext, buildnamed, buildoutput
from orlop.cli.buildattest import minimal
from orlop.cli.buildbundle import Built, Bundle
from orlop.cli.buildprogress import Result, follow
from orlop.cli.credentials import find, server_of
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import is_terminal, out
from orlop.cli.platform import this_machine
from orlop.cli.session import Session
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Json = dict[str, Any]

_PROGRESS = ("auto", "plain", "tty", "rawjson", "quiet", "none")
_LIMITS = (
    ("memory", "memory"),
    ("memory-swap", "memswap"),
    ("cpu-shares", "cpushares"),
    ("cpu-period", "cpuperiod"),
    ("cpu-quota", "cpuquota"),
    ("cpuset-cpus", "cpusetcpus"),
    ("cpuset-mems", "cpusetmems"),
    ("cgroup-parent", "cgroupparent"),
    ("shm-size", "shmsize"),
    ("isolation", "isolation"),
)


def build(session: Session, options: Options) -> int:
    if options.changed("disable-content-trust"):
        from orlop.cli.trust import refuse_trust

        refuse_trust(options)
    how = _progress(options)
    outputs = [buildoutput.parse(text) for text in options.all("output")]
    platforms = [p for p in options.text("platform").split(",") if p] or [""]
    bundle = Bundle(options, platforms, outputs)
    built = _build_all(session, options, platforms, how)
    if options.flag("check"):
        return 1 if built[0].result.findings else 0
    image, tags = built[0].result.image, bundle.names
    if bundle:
        bundle.put_out(session, outputs, built, _registries(session))
    else:
        buildoutput.put_out(session, outputs, image, tags)
        if options.flag("push"):
            buildoutput.push_all(session, tags)
    _cache_to(session, options, built[0].result)
    buildoutput.write_files(
        image, tags, options.text("iidfile"), options.text("metadata-file"), bundle.descriptor,
        _said(options, built),
    )  # fmt: skip
    if options.flag("quiet"):
        out(f"{bundle.descriptor.get('digest') or image}\n")
    return 0


def _build_all(session: Session, options: Options, platforms: list[str], how: str) -> list[Built]:
    """One image for each platform, one after the other. Only a lone one gets names here."""
    many = len(platforms) > 1
    sources = _cache_from(session, options)
    tags = [] if many else [str(t) for t in options.all("tag")]
    named = buildnamed.Named(session, [str(c) for c in options.all("build-context")])
    name, stream, remote = _context(options.args[0], options.text("file"), named)
    if many and options.args[0] == "-":
        stream = buildcontext.Spooled(stream)
    headers = [("Content-Type", "application/x-tar"), _registries(session)]
    ours = _ours(options, named)
    built = []
    for platform in platforms:
        started = time.time()
        body = _body(session, stream, named, ours)
        last = [("X-Orlop-Build", _encoded(ours))]
        path = "/build" + query(_query(options, name, remote, tags, sources, platform))
        response = session.client.open("POST", path, headers=headers + last, stream=body)
        built.append(Built(platform or this_machine(), follow(response, how), started))
        session.client.release(response)
    if isinstance(stream, buildcontext.Spooled):
        stream.close()
    return built


def _body(
    session: Session, stream: "Iterable[bytes]", named: buildnamed.Named, ours: "Json"
) -> "Iterable[bytes]":
    """An archive; of a directory what the daemon has not of it (`ours` says which it is then)."""
    ours.pop("offered", None)
    if not isinstance(stream, buildcontext.Directory):
        return stream
    from orlop.cli.buildindex import offer

    parts = [("", stream), *((f"{name}/", found) for name, found in named.folders.items())]
    found = offer(session, parts)
    if found is None:
        return stream
    ours["offered"] = found[0]
    return found[1]


def _said(options: Options, built: list[Built]) -> "Json":
    """What the metadata file says of how it was built."""
    if len(built) == 1:
        one = built[0]
        return {"buildx.build.provenance": minimal(options, one.result.materials, one.platform)}
    return {
        f"buildx.build.provenance/{one.platform}": minimal(
            options, one.result.materials, one.platform
        )
        for one in built
    }


def _progress(options: Options) -> str:
    how = options.text("progress", os.environ.get("BUILDKIT_PROGRESS", "auto"))
    if how not in _PROGRESS:
        raise Failure(f"invalid progress mode {how}: use one of {', '.join(_PROGRESS)}")
    if options.flag("quiet") or how in ("quiet", "none"):
        return "quiet"
    if how == "auto":
        return "tty" if is_terminal(2) else "plain"
    return how


def _context(where: str, file: str, named: buildnamed.Named) -> "tuple[str, Iterable[bytes], str]":
    """(name of the Dockerfile, the archive, remote URL)."""
    if where == "-":
        if file == "-":
            raise Failure("invalid argument: can't use stdin for both build context and dockerfile")
        name, stream = buildcontext.from_stdin(file)
        if named.folders:
            raise Failure("directories as named contexts need a directory or URL as the context")
        return name, stream, ""
    remote = where.startswith(("http://", "https://", "git://", "git@", "ssh://", "github.com/"))
    if remote and not os.path.isdir(where):
        return file or "Dockerfile", buildnamed.Alone(named) if named.folders else (), where
    found = buildcontext.Directory(where, file)
    found.beside = named
    return found.name, found, ""


def _query(
    options: Options,
    name: str,
    remote: str,
    tags: list[str],
    sources: list[str],
    platform: str,
) -> "Json":
    found: Json = {
        "t": tags,
        "dockerfile": name,
        "remote": remote,
        "target": options.text("target"),
        "nocache": "1" if options.flag("no-cache") else "",
        "pull": "1" if options.flag("pull") else "",
        "rm": "1" if options.flag("rm", True) else "0",
        "forcerm": "1" if options.flag("force-rm") else "",
        "squash": "1" if options.flag("squash") else "",
        "networkmode": "" if options.text("network") == "default" else options.text("network"),
        "platform": platform,
        "buildargs": _arguments(options),
        "labels": _labels(options),
        "cachefrom": dumps(sources) if sources else "",
        "extrahosts": [str(h).replace("=", ":", 1) for h in options.all("add-host")],
        "ulimits": dumps(list(options.map("ulimit").values())) if options.map("ulimit") else "",
        "securityopt": dumps(options.all("security-opt")) if options.all("security-opt") else "",
    }
    for flag, key in _LIMITS:
        if options.changed(flag):
            found[key] = options.values[flag]
    return {key: value for key, value in found.items() if value not in ("", None, [])}


def _arguments(options: Options) -> str:
    """A bare name takes its value from the environment, if it has one there."""
    found: Json = {}
    for text in options.all("build-arg"):
        key, equals, value = str(text).partition("=")
        if equals:
            found[key] = value
        elif key in os.environ:
            found[key] = os.environ[key]
        else:
            found[key] = None
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and "SOURCE_DATE_EPOCH" not in found:
        found["SOURCE_DATE_EPOCH"] = epoch
    return dumps(found) if found else ""


def _labels(options: Options) -> str:
    found = {}
    for text in options.all("label"):
        key, _, value = str(text).partition("=")
        found[key] = value
    return dumps(found) if found else ""


def _encoded(value: "Json") -> str:
    data = dumps(value).encode()
    text = binascii.b2a_base64(data, newline=False).decode()
    return text.replace("+", "-").replace("/", "_")


def _registries(session: Session) -> tuple[str, str]:
    """X-Registry-Config: credentials by registry."""
    found: Json = {}
    auths = session.config.get("auths")
    names = list(auths) if isinstance(auths, dict) else []
    helpers = session.config.get("credHelpers")
    names += list(helpers) if isinstance(helpers, dict) else []
    if session.config.get("credsStore"):
        names.append(server_of("docker.io"))
    for name in names:
        auth = find(session, name)
        if auth.get("username") or auth.get("identitytoken"):
            found[name] = auth
    return "X-Registry-Config", _encoded(found)


def _ours(options: Options, named: buildnamed.Named) -> "Json":
    found: Json = {"events": True}
    if named.said:
        found["contexts"] = named.said
    secrets = {}
    for text in options.all("secret"):
        name, data = _secret(str(text))
        secrets[name] = binascii.b2a_base64(data, newline=False).decode()
    if secrets:
        found["secrets"] = secrets
    agents = dict(_agent(str(text)) for text in options.all("ssh"))
    if agents:
        found["ssh"] = agents
    filters = [part for text in options.all("no-cache-filter") for part in str(text).split(",")]
    if filters:
        found["noCacheFilter"] = filters
    if "security.insecure" in options.all("allow"):
        found["insecure"] = True
    for name in ("explain", "verify", "check"):
        if options.flag(name):
            found[name] = True
    return found


def _fields(text: str) -> dict[str, str]:
    from orlop.cli.csv import fields

    found = {}
    for part in fields(text):
        key, equals, value = part.partition("=")
        found[key.lower() if equals else ""] = value if equals else key
    return found


def _secret(text: str) -> tuple[str, bytes]:
    """`id=x,src=file` or `id=x,env=NAME`. Raises Failure."""
    found = _fields(text)
    name = found.get("id", "")
    if not name:
        raise Failure(f"invalid secret: {text}: id is missing")
    path = found.get("src") or found.get("source")
    variable = found.get("env", "")
    kind = found.get("type", "")
    if variable or (kind == "env" and not path) or (not path and name in os.environ):
        value = os.environ.get(variable or name)
        if value is None:
            raise Failure(f"failed to find secret {name}: {variable or name} is not set")
        return name, os.fsencode(value)
    try:
        with open(path or name, "rb") as file:
            return name, file.read(1 << 20)
    except OSError as e:
        raise Failure(f"failed to stat {path or name}: {(e.strerror or '').lower()}") from None


def _agent(text: str) -> tuple[str, str]:
    """`default` or `id=socket`."""
    name, _, path = text.partition("=")
    path = path or os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise Failure("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
    return name, os.path.abspath(path)


def _cache_from(session: Session, options: Options) -> list[str]:
    """Names of images; what lies elsewhere is fetched first, and no error when it is not there."""
    out = []
    for text in options.all("cache-from"):
        if "=" not in str(text):
            out.append(str(text))
            continue
        found = _fields(str(text))
        kind = found.get("type", "registry")
        if kind == "local":
            from orlop.cli.buildcache import load

            out += load(session, found.get("src", ""))
        elif kind in ("registry", "inline") and found.get("ref"):
            from orlop.cli.buildcache import fetch

            fetch(session, found["ref"])
            out.append(found["ref"])
        elif kind not in ("registry", "inline"):
            raise Failure(f"unknown cache importer: {kind}")
    return out


def _cache_to(session: Session, options: Options, result: Result) -> None:
    for text in options.all("cache-to"):
        found = _fields(str(text)) if "=" in str(text) else {"type": "registry", "ref": str(text)}
        from orlop.cli.buildcache import store

        store(session, found, result.image)
