"""`--use-api-socket`: the daemon's socket and the registry credentials inside the new container."""

import io
import json
import tarfile
import time

from orlop.cli.credentials import find
from orlop.cli.failure import Failure
from orlop.cli.session import Session
from orlop.client.transport import query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_DIRECTORY = "/run/secrets/docker"


class Secrets:
    """Credentials to be put into the container once it is there."""

    def __init__(self, session: Session, auths: "Json") -> None:
        self._session = session
        self._auths = auths

    def copy_into(self, ident: str) -> None:
        data = json.dumps({"auths": self._auths}, indent="\t").encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            info = tarfile.TarInfo(_DIRECTORY.lstrip("/") + "/config.json")
            info.size, info.mode, info.mtime = len(data), 0o600, int(time.time())
            tar.addfile(info, io.BytesIO(data))
        self._session.client.raw(
            "PUT",
            f"/containers/{ident}/archive" + query({"path": "/"}),
            headers=[("Content-Type", "application/x-tar")],
            stream=[archive.getvalue()],
        )


def share(session: Session, config: "Json", host: "Json") -> Secrets | None:
    """Add the mount; None when there are no credentials or the user set DOCKER_CONFIG."""
    address = session.client.host
    if not address.startswith("unix://"):
        raise Failure(
            "flag --use-api-socket can only be used with unix sockets: "
            f"docker endpoint {address} incompatible"
        )
    host.setdefault("Mounts", []).append(
        {
            "Type": "bind",
            "Source": address.removeprefix("unix://"),
            "Target": "/var/run/docker.sock",
            "BindOptions": {},
        }
    )
    if any(v.startswith("DOCKER_CONFIG=") for v in config["Env"] or ()):
        return None
    auths = {server: _entry(find(session, server)) for server in session.config.get("auths") or {}}
    auths = {server: entry for server, entry in auths.items() if entry}
    if not auths:
        return None
    config["Env"] = [*(config["Env"] or ()), "DOCKER_CONFIG=" + _DIRECTORY]
    return Secrets(session, auths)


def _entry(found: dict[str, str]) -> "Json":
    """As config.json keeps it."""
    import base64

    if found.get("identitytoken"):
        return {"identitytoken": found["identitytoken"]}
    if not found.get("username"):
        return {}
    pair = f"{found['username']}:{found.get('password', '')}"
    return {"auth": base64.b64encode(pair.encode()).decode()}
