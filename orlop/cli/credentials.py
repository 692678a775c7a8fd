"""Registry credentials of the CLI's config: `auths`, `credHelpers`, `credsStore`."""

from __future__ import annotations

import binascii
import os

from orlop.cli.failure import Failure
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


def _ask(helper: str, verb: str, text: str) -> str:
    import subprocess

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, verb], input=text, capture_output=True, text=True, check=False
        )
    except OSError as e:
        raise Failure(
            f'error getting credentials - err: exec: "{program}": {e.strerror}, out: ``'
        ) from None
    output = done.stdout.strip()
    if done.returncode:
        if "credentials not found" in output:
            return ""
        raise Failure(
            f"error getting credentials - err: exit status {done.returncode}, out: `{output}`"
        )
    return output


def find(session: Session, server: str) -> dict[str, str]:
    """AuthConfig for `server`; {} when there is none. Raises Failure when a helper fails."""
    config = session.config
    helper = _helper(config, server)
    if helper:
        answer = _ask(helper, "get", server)
        if not answer:
            return {}
        found = loads(answer)
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
    return _decoded(entry, server) if isinstance(entry, dict) else {}


def _decoded(entry: dict[str, Any], server: str) -> dict[str, str]:
    found = {k: str(v) for k, v in entry.items() if k in ("username", "password", "email") and v}
    if entry.get("auth"):
        try:
            text = binascii.a2b_base64(entry["auth"]).decode()
        except ValueError:
            raise Failure("Invalid auth configuration file") from None
        found["username"], _, password = text.partition(":")
        found["password"] = password.rstrip("\0")
    for key in ("identitytoken", "registrytoken"):
        if entry.get(key):
            found[key] = str(entry[key])
    found["serveraddress"] = server
    return found


def header(session: Session, domain: str) -> tuple[str, str]:
    """X-Registry-Auth for a reference's domain."""
    data = dumps(find(session, server_of(domain))).encode()
    return "X-Registry-Auth", _encoded(data).replace("+", "-").replace("/", "_")


def save(session: Session, server: str, auth: dict[str, str]) -> bool:
    """Keep credentials; True when they lie in the file in clear."""
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
    auths = dict(config.get("auths") or {})
    if helper:
        auths[server] = {}
    elif token:
        pair = f"{auth.get('username', '')}:"
        auths[server] = {"auth": _encoded(pair.encode()), "identitytoken": token}
    else:
        pair = f"{auth['username']}:{auth['password']}"
        auths[server] = {"auth": _encoded(pair.encode())}
    _write(session, {**config, "auths": auths})
    return not helper


def erase(session: Session, servers: list[str]) -> None:
    config = dict(session.config)
    auths = dict(config.get("auths") or {})
    for server in servers:
        helper = _helper(config, server)
        if helper and server in auths:
            _ask(helper, "erase", server)
        auths.pop(server, None)
    _write(session, {**config, "auths": auths})


def _write(session: Session, config: dict[str, Any]) -> None:
    """Replace config.json; what we do not know stays in it."""
    import json

    path = os.path.join(session.config_dir, "config.json")
    path = os.path.realpath(path)
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
        f.write(json.dumps(config, indent="\t", ensure_ascii=False))
        f.flush()
        os.fsync(f.fileno())
    os.replace(temporary, path)
    session._config = config
