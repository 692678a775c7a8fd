"""`context`: named ways to a daemon, in Docker's files."""

import os
import re

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, natural, show
from orlop.cli.options import Options
from orlop.cli.out import err, out, write
from orlop.cli.session import Session
from orlop.client.contexts import DEFAULT, TLS_FILES, Contexts
from orlop.client.host import default_socket, getenv
from orlop.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$", re.ASCII)
_CURRENT = "Current DOCKER_HOST based configuration"
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_MATERIAL = (("ca", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem"))
HEADERS = {
    "Name": "NAME", "Description": "DESCRIPTION", "DockerEndpoint": "DOCKER ENDPOINT",
    "Current": "CURRENT", "Error": "ERROR",
}  # fmt: skip


class Context(Row):
    TYPE = "*formatter.clientContextContext"
    __slots__ = ("description", "endpoint", "error", "name", "now")

    def __init__(self, name: str, now: bool, description: str, endpoint: str, error: str) -> None:
        self.name, self.now, self.description = name, now, description
        self.endpoint, self.error = endpoint, error

    def Current(self) -> bool:
        return self.now

    def Name(self) -> str:
        return self.name

    def Description(self) -> str:
        return self.description

    def DockerEndpoint(self) -> str:
        return self.endpoint

    def Error(self) -> str:
        # the table has room for 45 characters of it
        return self.error if len(self.error) <= 45 else self.error[:44] + "…"


class _Starred(Context):
    """As the table shows it."""

    __slots__ = ()

    def Name(self) -> str:
        return self.name + (" *" if self.now else "")


def contexts(session: Session) -> Contexts:
    return Contexts(session.config_dir)


def current(session: Session) -> str:
    """The context that commands use."""
    from orlop.client.context import current as chosen

    if session.settings.context:
        return session.settings.context
    if session.settings.host or getenv("ORLOP_HOST"):
        return DEFAULT
    return getenv("ORLOP_CONTEXT") or (
        DEFAULT
        if getenv("DOCKER_HOST")
        else getenv("DOCKER_CONTEXT") or chosen(session.config_dir) or DEFAULT
    )


def _default(session: Session) -> "Json":
    given = session.settings.host[0] if session.settings.host else getenv("ORLOP_HOST")
    host = given or getenv("DOCKER_HOST") or "unix://" + default_socket()
    return {
        "Name": DEFAULT,
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
    }


def _read(session: Session, name: str) -> "tuple[Json, dict[str, bytes]]":
    """Metadata and TLS material. Raises NotFound."""
    if name == DEFAULT:
        return _default(session), {}
    store = contexts(session)
    return store.read(name), store.tls(name)


def _check_name(name: str) -> None:
    if not name:
        raise Failure("context name cannot be empty")
    if name == DEFAULT:
        raise Failure('"default" is a reserved context name')
    if not _NAME.match(name):
        raise Failure(
            f'context name "{name}" is invalid, names are validated against regexp '
            f'"{_NAME.pattern}"'
        )


def create(session: Session, options: Options) -> None:
    name = options.args[0]
    _check_name(name)
    store = contexts(session)
    if store.exists(name):
        raise Failure(f'context "{name}" already exists')
    source = options.text("from")
    if source and options.changed("docker"):
        raise Failure("cannot use --docker flag when --from is set")
    if options.changed("docker"):
        endpoint, tls = _endpoint(session, options.map("docker"))
        meta: Json = {"Metadata": {}, "Endpoints": {"docker": endpoint}}
    else:
        found, tls = _read(session, source or current(session))
        metadata = dict(found.get("Metadata") or {})
        if not source and current(session) == DEFAULT:
            metadata["Description"] = _CURRENT
        meta = {"Metadata": metadata, "Endpoints": found["Endpoints"]}
    if options.text("description"):
        meta["Metadata"]["Description"] = options.text("description")
    store.write(name, _ordered(meta), tls)
    out(f"{name}\n")
    err(f'Successfully created context "{name}"\n')


def _ordered(meta: "Json") -> "Json":
    return {"Name": "", "Metadata": meta.get("Metadata") or {}, "Endpoints": meta["Endpoints"]}


def _endpoint(session: Session, given: dict[str, str]) -> "tuple[Json, dict[str, bytes]]":
    """From `--docker key=value,…`. Raises Failure."""
    prefix = "unable to create docker endpoint config: "
    for key in given:
        if key not in ("from", "host", "ca", "cert", "key", "skip-tls-verify"):
            raise Failure(f"{prefix}unrecognized config key: {key}")
    if "from" in given:
        try:
            found, tls = _read(session, given["from"])
        except NotFound as e:
            raise Failure(prefix + e.message) from None
        return found["Endpoints"]["docker"], tls
    tls = {}
    for key, file in _MATERIAL:
        if given.get(key):
            try:
                with open(given[key], "rb") as stream:
                    tls[file] = stream.read()
            except OSError as e:
                text = (e.strerror or "").lower()
                raise Failure(f"{prefix}open {given[key]}: {text}") from None
    skip = given.get("skip-tls-verify", "")
    if skip and skip not in _TRUE + _FALSE:
        raise Failure(f'{prefix}skip-tls-verify: parsing "{skip}": invalid syntax')
    if b"-----BEGIN" not in tls.get("ca.pem", b"-----BEGIN"):
        raise Failure(
            f"{prefix}invalid docker endpoint options: failed to retrieve context tls info: "
            "ca.pem seems invalid"
        )
    return {"Host": given.get("host", ""), "SkipTLSVerify": skip in _TRUE}, tls


def update(session: Session, options: Options) -> None:
    name = options.args[0]
    _check_name(name)
    store = contexts(session)
    meta = store.read(name)
    tls = None
    metadata = dict(meta.get("Metadata") or {})
    if options.text("description"):
        metadata["Description"] = options.text("description")
    endpoints = dict(meta.get("Endpoints") or {})
    if options.changed("docker"):
        endpoints["docker"], tls = _endpoint(session, options.map("docker"))
    store.write(name, {**meta, "Metadata": metadata, "Endpoints": endpoints}, tls)
    out(f"{name}\n")
    err(f'Successfully updated context "{name}"\n')


def ls(session: Session, options: Options) -> None:
    now = current(session)
    starred = not options.text("format") or options.text("format").startswith("table")
    make = _Starred if starred and not options.flag("quiet") else Context
    default = _default(session)["Endpoints"]["docker"]["Host"]
    rows = [make(DEFAULT, now == DEFAULT, _CURRENT, default, "")]
    store = contexts(session)
    for meta in store.all():
        endpoint = str(meta.get("Endpoints", {}).get("docker", {}).get("Host", ""))
        description = str((meta.get("Metadata") or {}).get("Description") or "")
        rows.append(make(meta["Name"], meta["Name"] == now, description, endpoint, ""))
    if now not in [row.name for row in rows]:
        try:
            store.read(now)
        except NotFound as e:
            rows.append(make(now, True, "", "", e.message))
    rows.sort(key=lambda row: natural(row.name))
    format_ = format_of(options.text("format"), None, False)
    if options.flag("quiet"):
        format_ = "{{.Name}}"
    show(rows, HEADERS, ("Name", "Description", "DockerEndpoint", "Error"), format_)
    if getenv("DOCKER_HOST") and not session.settings.context:
        err(
            "Warning: DOCKER_HOST environment variable overrides the active context. To use a "
            "context, either set the global --context flag, or unset DOCKER_HOST environment "
            "variable.\n"
        )


def show_(session: Session, options: Options) -> None:
    out(current(session) + "\n")


def use(session: Session, options: Options) -> None:
    if len(options.args) != 1:
        raise Failure(f"accepts 1 arg(s), received {len(options.args)}")
    name = options.args[0]
    if name != DEFAULT:
        contexts(session).read(name)
    contexts(session).use(name)
    out(f"{name}\n")
    err(f'Current context is now "{name}"\n')
    if name != DEFAULT and getenv("DOCKER_HOST"):
        err(
            "Warning: DOCKER_HOST environment variable overrides the active context. To use "
            f'"{name}", either set the global --context flag, or unset DOCKER_HOST environment '
            "variable.\n"
        )


def rm(session: Session, options: Options) -> None:
    store, force, errors = contexts(session), options.flag("force"), []
    now = current(session)
    for name in options.args:
        if name == DEFAULT:
            errors.append('context "default" cannot be removed')
        elif not force and not store.exists(name):
            errors.append(f'context "{name}" does not exist')
        elif name == now and not force:
            errors.append(f'context "{name}" is in use, set -f flag to force remove')
        else:
            if name == now:
                store.use(DEFAULT)
            store.remove(name)
            out(f"{name}\n")
    if errors:
        raise Failure("\n".join(errors))


def inspect(session: Session, options: Options) -> None:
    from orlop.cli.inspect import show as show_all
    from orlop.oci.jsonlite import dumps

    if not options.args:
        options.args = [current(session)]

    def get(name: str) -> tuple[bytes, str]:
        meta, tls = _read(session, name)
        store = contexts(session)
        memory = name == DEFAULT
        value = {
            "Name": name,
            "Metadata": meta.get("Metadata") or {},
            "Endpoints": _endpoints(meta),
            "TLSMaterial": {"docker": list(tls)} if tls else {},
            "Storage": {
                "MetadataPath": "<IN MEMORY>" if memory else store.meta_path(name),
                "TLSPath": "<IN MEMORY>" if memory else store.tls_path(name),
            },
        }
        return dumps(value).encode(), "context"

    show_all(options, get)


def _endpoints(meta: "Json") -> "Json":
    found = dict(meta.get("Endpoints") or {})
    if isinstance(found.get("docker"), dict):
        found["docker"] = {"Host": "", "SkipTLSVerify": False, **found["docker"]}
    return found


def export(session: Session, options: Options) -> None:
    import io
    import tarfile

    name = options.args[0]
    target = options.args[1] if len(options.args) > 1 else f"{name}.dockercontext"
    if target == "-" and os.isatty(1):
        raise Failure("cowardly refusing to export to a terminal, specify a file path")
    meta, tls = _read(session, name)
    from orlop.oci.jsonlite import dumps

    document = _ordered(meta) | {"Name": name}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        _put(tar, "meta.json", dumps(document).encode(), 0o644)
        _put(tar, "tls", None, 0o700)
        if tls:
            _put(tar, "tls/docker", None, 0o700)
        for file, data in tls.items():
            _put(tar, f"tls/docker/{file}", data, 0o600)
    if target == "-":
        write(1, buffer.getvalue())
        return
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as e:
        raise Failure(f"open {target}: {(e.strerror or '').lower()}") from None
    with open(fd, "wb") as file_:
        file_.write(buffer.getvalue())
    err(f'Written file "{target}"\n')


def _put(tar: "Any", name: str, data: bytes | None, mode: int) -> None:
    import io
    import tarfile

    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, len(data or b"")
    if data is None:
        info.type = tarfile.DIRTYPE
    tar.addfile(info, io.BytesIO(data or b""))


def import_(session: Session, options: Options) -> None:
    from orlop.cli.contextfile import unpack

    name, source = options.args
    _check_name(name)
    store = contexts(session)
    if store.exists(name):
        raise Failure(f'context "{name}" already exists')
    if source == "-":
        from orlop.cli.contextfile import standard_input

        data = standard_input()
    else:
        try:
            with open(source, "rb") as stream:
                data = stream.read()
        except OSError as e:
            raise Failure(f"open {source}: {(e.strerror or '').lower()}") from None
    meta, tls = unpack(data)
    known = {file: tls[file] for file in TLS_FILES if file in tls}
    store.write(name, {**meta, "Name": name}, known)
    out(f"{name}\n")
    err(f'Successfully imported context "{name}"\n')
