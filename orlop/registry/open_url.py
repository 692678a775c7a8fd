"""A plain download, for `import URL`. No credentials, few redirects, never from TLS to http."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from orlop.errors import InvalidArgument, NotFound
from orlop.registry import wording
from orlop.registry.client import Registries
from orlop.registry.failure import RegistryFailure
from orlop.registry.joined import joined

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_CHUNK = 256 << 10
_ODD = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")  # Go has none of them in a host


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
        parts = _parts(url)
        if parts.scheme not in ("http", "https"):
            raise InvalidArgument(f'Get "{url}": unsupported protocol scheme "{parts.scheme}"')
        if not parts.hostname:
            raise RegistryFailure(f'Get "{url}": http: no Host in request URL')
        answer = registries.transport.send("GET", url, headers={})
        location = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or not location:
            break
        answer.close()
        target = joined(url, location)
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


def _parts(url: str) -> SplitResult:
    """Raises InvalidArgument with Go's words for an address that is none."""
    host = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    wrong = ""
    if "[" in host:
        inside, closed, port = host.partition("[")[2].partition("]")
        if not closed:
            wrong = "missing ']' in host"
        elif not _is_address(inside):
            wrong = f'invalid host: ParseAddr("{inside}"): unable to parse IP'
    else:
        port = "".join(host.partition(":")[1:])
        if odd := _ODD.search(host):
            wrong = f'invalid character "{odd[0]}" in host name'
    if not wrong and not re.fullmatch(r"(:\d*)?", port, re.ASCII):
        wrong = f'invalid port "{port}" after host'
    if not wrong and len(port) > 1 and (len(port) > 6 or int(port[1:]) > 0xFFFF):
        raise RegistryFailure(f'Get "{url}": dial tcp: address {port[1:]}: invalid port')
    if not wrong:
        try:
            return urlsplit(url)
        except ValueError as error:  # what Python minds and Go does not
            wrong = str(error)
    raise InvalidArgument(f'parse "{url}": {wrong}')


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return True
