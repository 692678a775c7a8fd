"""Check credentials against a registry: what `docker login` asks of the daemon (`POST /auth`).

Source: dockerd's registry login (v2 ping with the credentials; token servers may hand out an
identity token).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.errors import InvalidArgument, SystemFailure, Unauthorized
from orlop.oci.reference import DEFAULT_DOMAIN
from orlop.registry.client import Registries
from orlop.registry.credentials import from_auth
from orlop.registry.endpoints import endpoints
from orlop.registry.failure import RegistryFailure

_HUB = ("", "index.docker.io", "docker.io", "registry-1.docker.io")


def server_domain(address: str) -> str:
    """`https://index.docker.io/v1/` → docker.io; `https://host:5000/x` → host:5000."""
    bare = address.split("://", 1)[-1].split("/", 1)[0]
    return DEFAULT_DOMAIN if bare in _HUB else bare


def login(registries: Registries, auth: Mapping[str, Any]) -> dict[str, str]:
    """`{"Status": "Login Succeeded", "IdentityToken": ""}`. Unauthorized, SystemFailure."""
    credentials = from_auth(auth)
    domain = server_domain(credentials.server)
    if not domain or any(c in domain for c in "@?#\\ "):
        raise InvalidArgument(f"invalid registry address: {credentials.server[:200]!r}")
    last: RegistryFailure | None = None
    for endpoint in endpoints(registries.config, domain, push=True):
        url = f"{endpoint.base}/v2/"
        session = registries.session(endpoint, credentials)
        try:
            session.ping()
            with session.request("GET", "/v2/", ok=(200, 401, 403)) as answer:
                status = answer.status
        except RegistryFailure as failure:
            last = failure
            if failure.unreachable:
                continue
            if failure.status in (401, 403):  # the token server's answer
                raise Unauthorized(f'Get "{url}": {failure.message}') from None
            raise
        if status == 200:
            return {"IdentityToken": "", "Status": "Login Succeeded"}
        shown = {401: "401 Unauthorized", 403: "403 Forbidden"}[status]
        raise SystemFailure(f"login attempt to {url} failed with status: {shown}")
    assert last is not None
    raise last
