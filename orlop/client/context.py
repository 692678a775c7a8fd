"""The context that a command uses: <config>/contexts/meta/<sha256 of the name>/meta.json."""

import hashlib
import os
from typing import Any

from orlop.errors import NotFound
from orlop.oci.jsonlite import loads


def endpoint(config_dir: str, name: str) -> tuple[str, dict[str, Any]]:
    """(host, TLS settings) of the context. Raises NotFound."""
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        with open(os.path.join(config_dir, "contexts/meta", key, "meta.json"), "rb") as f:
            meta = loads(f.read())
        docker = meta["Endpoints"]["docker"]
        host = str(docker["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound(
            f'context "{name}": context not found: open '
            f"{os.path.join(config_dir, 'contexts/meta', key, 'meta.json')}: "
            "no such file or directory"
        ) from None
    tls: dict[str, Any] = {}
    base = os.path.join(config_dir, "contexts/tls", key, "docker")
    for setting, file in (("tlscacert", "ca.pem"), ("tlscert", "cert.pem"), ("tlskey", "key.pem")):
        if os.path.exists(os.path.join(base, file)):
            tls[setting] = os.path.join(base, file)
            tls["tls"] = True
    if tls and not docker.get("SkipTLSVerify"):
        tls["tlsverify"] = True
    return host, tls


def current(config_dir: str) -> str:
    """What `orlop context use` chose, else ""; Docker's own choice is Docker's."""
    try:
        with open(os.path.join(config_dir, "contexts", "orlop-current"), encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
