"""A plain download, for `import URL`. No credentials, few redirects, never from TLS to http."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from orlop.errors import InvalidArgument, NotFound
from orlop.registry import wording
from orlop.registry.client import Registries
from orlop.registry.failure import RegistryFailure

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_CHUNK = 256 << 10


class Remote:
    """The open answer; `size` is -1 when the server does not say."""

    def __init__(self, url: str, answer: BaseHTTPResponse) -> None:
        self.url = url
        self._answer = answer
        length = answer.headers.get("Content-Length", "")
        self.size = (
            int(length) if length.isascii() and length.isdigit() and len(length) < 19 else -1
        )

    def read(self, size: int = -1) -> bytes:
        try:
            return self._answer.read(_CHUNK if size < 0 else size)
        except (HTTPError, OSError) as error:
            raise wording.read_failure(error) from None

    def close(self) -> None:
        self._answer.close()


def open_url(registries: Registries, url: str) -> Remote:
    """Raises RegistryFailure, NotFound, InvalidArgument."""
    if "://" not in url:
        url = "http://" + url
    for _ in range(_MAX_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise InvalidArgument(f'Get "{url}": unsupported protocol scheme "{parts.scheme}"')
        if not parts.hostname:
            raise RegistryFailure(f'Get "{url}": http: no Host in request URL')
        answer = registries.transport.send("GET", url, headers={})
        location = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or not location:
            break
        answer.close()
        target = urljoin(url, location)
        if parts.scheme == "https" and not target.startswith("https://"):
            raise RegistryFailure(f"refusing redirect from https to {target[:200]!r}")
        url = target
    if answer.status == 200:
        return Remote(url, answer)
    body = answer.read(8192).decode("utf-8", "replace").strip()
    answer.close()
    line = f"failed to GET {url} with status {answer.status} {answer.reason or ''}".rstrip()
    text = f"{line}: {body}"
    raise NotFound(text) if answer.status == 404 else RegistryFailure(text, status=answer.status)
