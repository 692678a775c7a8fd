"""Bearer tokens: fetched from the realm a registry names, cached by scope until they expire.

Source: distribution-spec "Token Authentication"; RFC 6749 refresh. Expiry is on CLOCK_MONOTONIC.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from urllib3.exceptions import HTTPError

from orlop.registry.challenge import Challenge
from orlop.registry.credentials import Credentials
from orlop.registry.encoding import read_up_to
from orlop.registry.endpoints import Endpoint
from orlop.registry.failure import RegistryFailure, from_response
from orlop.registry.joined import joined
from orlop.registry.transport import Transport

_MIN_LIFE = 60
_MARGIN = 5
_MAX_BODY = 1 << 20
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_CLIENT = "docker"  # the client id dockerd sends; token servers have rules for it


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float


class Tokens:
    """The cache of one engine. Keys hold a hash of the credentials, never the credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, ...], _Token] = {}

    def get(self, key: tuple[str, ...]) -> str | None:
        with self._lock:
            token = self._tokens.get(key)
            if token is not None and token.expires <= time.monotonic():
                del self._tokens[key]
                return None
            return token.value if token is not None else None

    def put(self, key: tuple[str, ...], value: str, life: float) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._tokens) > 512:
                self._tokens = {k: t for k, t in self._tokens.items() if t.expires > now}
            self._tokens[key] = _Token(value, now + max(life, _MIN_LIFE) - _MARGIN)

    def drop(self, key: tuple[str, ...]) -> None:
        with self._lock:
            self._tokens.pop(key, None)


def check_realm(endpoint: Endpoint, realm: str) -> str:
    """Refuse realms that would take credentials off TLS. Raises RegistryFailure."""
    parts = urlsplit(joined(realm, ""))
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise RegistryFailure(f"invalid token auth challenge realm: {realm[:200]!r}")
    if parts.scheme == "http" and not endpoint.insecure:
        raise RegistryFailure(
            f"refusing token realm {realm[:200]!r}: plain http named by a registry over TLS"
        )
    return realm


def fetch_token(
    transport: Transport,
    endpoint: Endpoint,
    challenge: Challenge,
    credentials: Credentials,
    scopes: Iterable[str],
) -> tuple[str, float]:
    """A token and its life in seconds. Raises RegistryFailure."""
    realm = check_realm(endpoint, challenge.parameters.get("realm", ""))
    query: list[tuple[str, str]] = []
    if service := challenge.parameters.get("service"):
        query.append(("service", service))
    if credentials.identity_token:
        return _refresh(transport, endpoint, realm, query, credentials, scopes)
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if credentials.basic:
        query.append(("account", credentials.username))
        headers["Authorization"] = credentials.basic
    url = realm + ("&" if "?" in realm else "?") + urlencode(query) if query else realm
    document = _ask(transport, endpoint, "GET", url, headers, None)
    token = document.get("token") or document.get("access_token")
    return _token(document, token)


def _refresh(
    transport: Transport,
    endpoint: Endpoint,
    realm: str,
    query: list[tuple[str, str]],
    credentials: Credentials,
    scopes: Iterable[str],
) -> tuple[str, float]:
    form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", credentials.identity_token),
        ("client_id", _CLIENT),
        ("scope", " ".join(scopes)),
        *query,
    ]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    document = _ask(transport, endpoint, "POST", realm, headers, urlencode(form).encode())
    return _token(document, document.get("access_token"))


def _token(document: dict[str, Any], token: Any) -> tuple[str, float]:
    if not isinstance(token, str) or not token or not token.isprintable():
        raise RegistryFailure("authorization server did not include a token in the response")
    life = document.get("expires_in")
    seconds = life if isinstance(life, int) and 0 < life < 1 << 31 else _MIN_LIFE
    return token, float(seconds)


def _ask(
    transport: Transport,
    endpoint: Endpoint,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
) -> dict[str, Any]:
    """One exchange with the token server. A question may be sent on to another of its own pages;
    elsewhere it would carry the secret along."""
    verify = endpoint.verify or endpoint.scheme == "http"
    for _ in range(_MAX_REDIRECTS):
        answer = transport.send(method, url, headers=headers, body=body, verify=verify, timeout=15)
        if answer.status not in _REDIRECTS or method != "GET":
            break
        try:
            target = joined(url, answer.headers.get("Location", ""))
        except RegistryFailure:
            answer.close()
            raise
        if _home(target) != _home(url):
            break
        answer.close()
        url = target
    try:
        data = read_up_to(answer, _MAX_BODY + 1)
        if answer.status >= 400:
            raise from_response(
                answer.status, answer.reason or "", data,
                content_type=answer.headers.get("Content-Type", ""),
                retry_after=answer.headers.get("Retry-After"),
            )  # fmt: skip
        if answer.status != 200 or len(data) > _MAX_BODY:
            raise RegistryFailure(f"unexpected answer {answer.status} of the token server")
        document = json.loads(data)
    except (ValueError, RecursionError, HTTPError):
        raise RegistryFailure("unable to decode token response") from None
    finally:
        answer.release_conn()
    if not isinstance(document, dict):
        raise RegistryFailure("unable to decode token response")
    return document


def _home(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
