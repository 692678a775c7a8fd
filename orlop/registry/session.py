"""One endpoint, one set of credentials, one operation.

The session answers challenges and follows redirects; `Authorization` is added only to requests for
the endpoint's own scheme, host and port.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from orlop.registry import wording
from orlop.registry.challenge import Challenge, parse_challenges
from orlop.registry.credentials import Credentials
from orlop.registry.encoding import read_up_to
from orlop.registry.endpoints import Endpoint
from orlop.registry.failure import RegistryFailure, from_response
from orlop.registry.joined import joined
from orlop.registry.tokens import Tokens, fetch_token
from orlop.registry.transport import Body, Transport

PING_TIMEOUT = 15.0
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_JUST_FETCHED = 5.0  # seconds: a token this young was not refused for its age
_MAX_ERROR_BODY = 64 << 10


class Session:
    def __init__(
        self, transport: Transport, tokens: Tokens, endpoint: Endpoint, credentials: Credentials
    ) -> None:
        self.transport = transport
        self.endpoint = endpoint
        self.credentials = credentials
        self._tokens = tokens
        self._challenge: Challenge | None = None
        self._fetched: dict[tuple[str, ...], float] = {}
        self._origin = origin_of(endpoint.base)

    def ping(self) -> None:
        """Ask `/v2/`: is it a registry, and how does it want to be asked? RegistryFailure."""
        url = self.endpoint.base + "/v2/"
        answer = self.transport.send(
            "GET", url, headers={}, verify=self.endpoint.verify, timeout=PING_TIMEOUT
        )
        try:
            body = answer.read(_MAX_ERROR_BODY)
        except HTTPError as error:
            raise wording.connection_failure("GET", url, error) from None
        finally:
            answer.release_conn()
        if answer.status == 401:
            self._challenge = self._choose(answer)
        elif answer.status >= 500 or answer.status == 429:
            kind = answer.headers.get("Content-Type", "")
            wait = answer.headers.get("Retry-After")
            raise from_response(
                answer.status, answer.reason or "", body, content_type=kind, retry_after=wait
            )

    def _choose(self, answer: BaseHTTPResponse) -> Challenge | None:
        found = parse_challenges(answer.headers.getlist("WWW-Authenticate"))
        for scheme in ("bearer", "basic"):
            for challenge in found:
                if challenge.scheme == scheme:
                    return challenge
        return None

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        *,
        scopes: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        ok: Sequence[int] = (200,),
    ) -> Iterator[BaseHTTPResponse]:
        """The answer, unread, if its status is in `ok`. Raises RegistryFailure otherwise.

        `path` is a path below the endpoint or an absolute URL (upload locations).
        """
        url = urljoin(self.endpoint.base + "/", path)
        if path.startswith("/v2/"):
            url = self.endpoint.base + path
        answer, final = self._exchange(method, url, scopes, dict(headers or {}), body)
        if answer.status == 401 and self._is_own(final):
            if body is None or type(body) is bytes:
                answer = self._second_try(answer, method, url, scopes, dict(headers or {}), body)
            elif self._adopt(answer, scopes):  # a stream is gone: its owner makes it again
                refusal = self._refusal(method, answer)
                refusal.temporary = True
                _finish(answer)
                raise refusal
        try:
            if answer.status not in ok:
                raise self._refusal(method, answer)
            yield answer
        finally:
            _finish(answer)

    def _second_try(
        self,
        answer: BaseHTTPResponse,
        method: str,
        url: str,
        scopes: Sequence[str],
        headers: dict[str, str],
        body: Body,
    ) -> BaseHTTPResponse:
        if not self._adopt(answer, scopes):
            return answer
        _finish(answer)
        return self._exchange(method, url, scopes, headers, body)[0]

    def _exchange(
        self, method: str, url: str, scopes: Sequence[str], headers: dict[str, str], body: Body
    ) -> tuple[BaseHTTPResponse, str]:
        """Follows redirects; returns the answer and the URL it came from."""
        for _ in range(_MAX_REDIRECTS + 1):
            sent = dict(headers)
            if self._is_own(url) and (authorization := self._authorization(method, url, scopes)):
                sent["Authorization"] = authorization
            answer = self.transport.send(
                method, url, headers=sent, body=body, verify=self._verify(url)
            )
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or method not in ("GET", "HEAD") or not location:
                return answer, url
            _finish(answer)
            url = self._redirected(url, location)
        raise RegistryFailure(f'{method.capitalize()} "{url}": stopped after 10 redirects')

    def _redirected(self, url: str, location: str) -> str:
        target = joined(url, location)
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise RegistryFailure(f"refusing redirect to {target[:200]!r}")
        if parts.scheme == "http" and not self.endpoint.insecure:
            raise RegistryFailure(f"refusing redirect from https to plain http: {target[:200]!r}")
        return target

    def _adopt(self, answer: BaseHTTPResponse, scopes: Sequence[str]) -> bool:
        """After a 401 of our own host: is there something new to try?

        The ping may have been open where the path is not, or a token died early. Another realm
        than the one first named is never followed.
        """
        fresh = self._choose(answer)
        if fresh is None:
            return False
        if self._challenge is None:
            self._challenge = fresh
            return True
        key = self._key(scopes)
        just_now = time.monotonic() - self._fetched.get(key, -10.0) < _JUST_FETCHED
        realm = fresh.parameters.get("realm")
        if fresh.scheme != "bearer" or just_now or realm != self._challenge.parameters.get("realm"):
            return False
        self._tokens.drop(key)
        return True

    def _authorization(self, method: str, url: str, scopes: Sequence[str]) -> str:
        if self.credentials.registry_token:
            return "Bearer " + self.credentials.registry_token
        if self._challenge is None:
            return ""
        if self._challenge.scheme == "basic":
            if not self.credentials.basic:
                # no refusal of the registry's: a client must not ask for a login because of it
                raise RegistryFailure(f'{method.capitalize()} "{url}": no basic auth credentials')
            return self.credentials.basic
        key = self._key(scopes)
        token = self._tokens.get(key)
        if token is None:
            token, life = fetch_token(
                self.transport, self.endpoint, self._challenge, self.credentials, scopes
            )
            self._tokens.put(key, token, life)
            self._fetched[key] = time.monotonic()
        return "Bearer " + token

    def _key(self, scopes: Sequence[str]) -> tuple[str, ...]:
        realm = self._challenge.parameters.get("realm", "") if self._challenge else ""
        service = self._challenge.parameters.get("service", "") if self._challenge else ""
        return (self.endpoint.base, self.credentials.cache_key, realm, service, *scopes)

    def _is_own(self, url: str) -> bool:
        return origin_of(url) == self._origin

    def _verify(self, url: str) -> bool:
        """Certificates stay unchecked only for the insecure host itself."""
        return self.endpoint.verify or not self._is_own(url)

    def _refusal(self, method: str, answer: BaseHTTPResponse) -> RegistryFailure:
        try:
            body = b"" if method == "HEAD" else read_up_to(answer, _MAX_ERROR_BODY)
        except (HTTPError, RegistryFailure):
            body = b""
        wait = answer.headers.get("Retry-After")
        for challenge in parse_challenges(answer.headers.getlist("WWW-Authenticate")):
            if challenge.scheme == "bearer" and "error" in challenge.parameters:
                refusal = _oauth_refusal(challenge, answer.status)
                if refusal is not None:
                    return refusal
        kind = answer.headers.get("Content-Type", "")
        return from_response(
            answer.status, answer.reason or "", body, content_type=kind, retry_after=wait
        )


def _oauth_refusal(challenge: Challenge, status: int) -> RegistryFailure | None:
    """RFC 6750 section 3.1 errors, in the words dockerd gives them."""
    code, text = {
        "invalid_token": ("UNAUTHORIZED", "authentication required"),
        "insufficient_scope": ("DENIED", "requested access to the resource is denied"),
    }.get(challenge.parameters["error"], ("", ""))
    if not code:
        return None
    text = challenge.parameters.get("error_description") or text
    return RegistryFailure(f"{code.lower()}: {text}", code=code, status=status)


def origin_of(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default


def _finish(answer: BaseHTTPResponse) -> None:
    """Give the connection back if nothing is left to read, else close it."""
    try:
        if answer.length_remaining == 0:
            answer.read()
    except HTTPError:
        pass
    answer.close()
