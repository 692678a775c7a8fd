"""The v1 search endpoint: what `docker search` asks.

Source: Docker Registry v1 index API (`/v1/search`), as dockerd 28 uses it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from urllib3.exceptions import HTTPError

from orlop.oci.reference import DEFAULT_DOMAIN
from orlop.registry import wording
from orlop.registry.client import Registries
from orlop.registry.credentials import from_auth
from orlop.registry.encoding import read_up_to
from orlop.registry.endpoints import Endpoint, endpoints
from orlop.registry.failure import RegistryFailure

_INDEX = "index.docker.io"
_MAX_BODY = 8 << 20


def search_registry(
    registries: Registries, domain: str, term: str, limit: int, auth: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Rows as the endpoint gives them. Raises RegistryFailure."""
    if domain == DEFAULT_DOMAIN:
        choice = [Endpoint("https", _INDEX)]
    else:
        choice = [e for e in endpoints(registries.config, domain) if not e.mirror]
    last: RegistryFailure | None = None
    for endpoint in choice:
        try:
            return _ask(registries, endpoint, term, limit, auth)
        except RegistryFailure as failure:
            last = failure
            if not failure.unreachable:
                break
    assert last is not None
    raise last


def _ask(
    registries: Registries,
    endpoint: Endpoint,
    term: str,
    limit: int,
    auth: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    session = registries.session(endpoint, from_auth(auth))
    url = f"{endpoint.base}/v1/search?{urlencode({'q': term, 'n': limit})}"
    headers = {"X-Docker-Token": "true"}
    if session.credentials.basic:
        headers["Authorization"] = session.credentials.basic
    answer = registries.transport.send("GET", url, headers=headers, verify=endpoint.verify)
    try:
        data = read_up_to(answer, _MAX_BODY + 1)
    except HTTPError as error:
        raise wording.read_failure(error) from None
    finally:
        answer.close()
    if answer.status != 200:
        raise RegistryFailure(f"Unexpected status code {answer.status}", status=answer.status)
    try:
        document = json.loads(data)
        rows = document["results"] or []
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RegistryFailure("error decoding registry search results") from None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
