"""Registry credentials of the CLI's config: `auths`, `credHelpers`, `credsStore`."""

from __future__ import annotations

import binascii
import os

from orlop.cli.failure import Failure
from orlop.cli.out import err
from orlop.cli.session import Session
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INDEX = "https://index.docker.io/v1/"
TOKEN = "<token>"  # the user name helpers give when the secret is an identity token


def server_of(domain: str) -> str:
    """The key that credentials of a reference's domain are kept under."""
    return INDEX if domain in ("docker.io", "index.docker.io", "registry-1.docker.io") else domain


def hostname(server: str) -> str:
    return server.removeprefix("https://").removeprefix("http://").split("/")[0]


def _encoded(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _helper(config: dict[str, Any], server: str) -> str:
    helpers = config.get("credHelpers")
    if isinstance(helpers, dict):
        for name in (server, hostname(server)):
            if helpers.get(name):
                return str(helpers[name])
    return str(config.get("credsStore") or "")


_DOING = {"get": "getting", "store": "storing", "erase": "erasing"}


def _ask(helper: str, verb: str, text: str) -> str:
    """What it says; its stderr is the user's to see. Raises Failure."""
    import subprocess

    program, doing = f"docker-credential-{helper}", f"error {_DOING[verb]} credentials - err:"
    try:
        done = subprocess.run(
            [program, verb], input=text, stdout=subprocess.PIPE, text=True, check=False
        )
    except OSError as e:
        why = (e.strerror or "").lower()
        if isinstance(e, FileNotFoundError):
            why = "executable file not found in $PATH"
        raise Failure(f'{doing} exec: "{program}": {why}, out: ``') from None
    output = done.stdout.strip()
    if done.returncode:
        if "credentials not found" in output:
            return ""
        raise Failure(f"{doing} exit status {done.returncode}, out: `{output}`")
    return output


def find(session: Session, server: str) -> dict[str, str]:
    """AuthConfig for `server`; {} when there is none. Raises Failure when a helper fails."""
    config = session.config
    helper = _helper(config, server)
    if helper:
        answer = _ask(helper, "get", server)
        if not answer:
            return {}
        try:
            found = loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Failure(f"error getting credentials - err: no JSON, out: `{answer[:200]}`")
        if found.get("Username") == TOKEN:
            return {"identitytoken": found.get("Secret", ""), "serveraddress": server}
        return {
            "username": found.get("Username", ""),
            "password": found.get("Secret", ""),
            "serveraddress": server,
        }
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return {}
    entry = auths.get(server)
    if entry is None:
        for key, value in auths.items():
            if hostname(key) == hostname(server):
                entry = value
                break
    if not isinstance(entry, dict):
        return {}
    decoded = _decoded(entry, server)
    if decoded is None:
        where = session.config_dir + "/config.json"
        err(f"WARNING: Error parsing config file ({where}): Invalid auth configuration file\n")
    return decoded or {}


def _decoded(entry: dict[str, Any], server: str) -> dict[str, str] | None:
    """None: it cannot be read."""
    found = {k: str(v) for k, v in entry.items() if k in ("username", "password", "email") and v}
    if entry.get("auth"):
        try:
            text = binascii.a2b_base64(entry["auth"], strict_mode=True).decode()
        except (ValueError, TypeError):
            text = ""
        name, colon, password = text.partition(":")
        if not colon:
            return None
        found["username"], found["password"] = name, password.rstrip("\0")
    for key in ("identitytoken", "registrytoken"):
        if entry.get(key):
            found[key] = str(entry[key])
    found["serveraddress"] = server
    return found


def header(session: Session, domain: str, *, strict: bool = False) -> tuple[str, str]:
    """X-Registry-Auth for a reference's domain. A helper that fails counts as one that has
    nothing, as with docker, unless `strict`: then it raises Failure."""
    try:
        found = find(session, server_of(domain))
    except Failure:
        if strict:
            raise
        found = {}
    data = dumps(found).encode()
    return "X-Registry-Auth", _encoded(data).replace("+", "-").replace("/", "_")


def save(session: Session, server: str, auth: dict[str, str]) -> bool:
    """Keep credentials; True when they lie in the file in clear, and did not before.

    Raises Failure.
    """
    config = dict(session.config)
    helper = _helper(config, server)
    token = auth.get("identitytoken", "")
    if helper:
        body = {
            "ServerURL": server,
            "Username": TOKEN if token else auth["username"],
            "Secret": token or auth["password"],
        }
        _ask(helper, "store", dumps(body))
    auths = _auths(config)
    before = auths.get(server)
    if helper:
        auths[server] = {}
    elif token:
        pair = f"{auth.get('username', '')}:"
        auths[server] = {"auth": _encoded(pair.encode()), "identitytoken": token}
    else:
        pair = f"{auth['username']}:{auth['password']}"
        if _decoded(before or {}, "") == {**_pair(auth), "serveraddress": ""}:
            return False
        auths[server] = {"auth": _encoded(pair.encode())}
    _write(session, {"auths": auths, **{k: v for k, v in config.items() if k != "auths"}})
    return not helper


def _pair(auth: dict[str, str]) -> dict[str, str]:
    return {key: auth[key] for key in ("username", "password")}


def _auths(config: dict[str, Any]) -> dict[str, Any]:
    found = config.get("auths")
    return dict(found) if isinstance(found, dict) else {}


def erase(session: Session, servers: list[str]) -> None:
    """Forget what is kept for `servers`; a helper that cannot says so itself."""
    config = dict(session.config)
    auths = _auths(config)
    for server in servers:
        helper = _helper(config, server)
        if helper:
            try:
                _ask(helper, "erase", server)
            except Failure:
                pass
        auths.pop(server, None)
    _write(session, {"auths": auths, **{k: v for k, v in config.items() if k != "auths"}})


def _write(session: Session, config: dict[str, Any]) -> None:
    """Replace config.json; what we do not know stays in it."""
    import json

    path = os.path.join(session.config_dir, "config.json")
    path = os.path.realpath(path)
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(json.dumps(config, indent="\t", ensure_ascii=False))
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    except OSError as e:
        raise Failure(f"open {e.filename or temporary}: {(e.strerror or '').lower()}") from None
    session._config = config
