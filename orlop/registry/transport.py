"""HTTP as registries need it: one request, no hidden behaviour.

urllib3 carries the bytes; redirects, retries and credentials are decided above. Environment proxies
are used as Go does; netrc never is. Errors have Go's texts, which Docker's users know.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import urllib3
from urllib3.response import BaseHTTPResponse

from orlop.registry import wording
from orlop.registry.failure import RegistryFailure
from orlop.registry.proxies import proxy_for

CERTS = Path("/etc/docker/certs.d")
CONNECT_TIMEOUT = 30.0
Body = bytes | IO[bytes] | Iterable[bytes] | None


class Transport:
    """Connection pools, one per way of reaching a host. Safe to share between threads."""

    def __init__(
        self,
        *,
        user_agent: str,
        stall_timeout: float = 60.0,
        environ: Mapping[str, str] | None = None,
        certs: Path = CERTS,
    ) -> None:
        self.user_agent = user_agent
        self.stall_timeout = stall_timeout
        self._environ = environ
        self._certs = certs
        self._lock = threading.Lock()
        self._pools: dict[tuple[bool, str, str], urllib3.PoolManager] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: Body = None,
        verify: bool = True,
        timeout: float | None = None,
    ) -> BaseHTTPResponse:
        """One exchange, answer unread. Raises RegistryFailure when there is none."""
        pool = self._pool(url, verify)
        read = self.stall_timeout if timeout is None else timeout
        wait = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, read), read=read)
        sent = {"User-Agent": self.user_agent, "Accept-Encoding": "identity", **headers}
        chunked = (
            body is not None and not isinstance(body, bytes) and ("Content-Length" not in headers)
        )
        try:
            return pool.urlopen(
                method,
                url,
                body=body,
                headers=sent,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=wait,
                chunked=chunked,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise wording.connection_failure(method, url, error) from None

    def close(self) -> None:
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.clear()

    def _pool(self, url: str, verify: bool) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = proxy_for(parts.scheme, parts.hostname or "", parts.port, self._environ)
        host = parts.netloc if parts.scheme == "https" else ""
        key = (verify, proxy, host)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = self._make(host, verify, proxy)
        return pool

    def _make(self, host: str, verify: bool, proxy: str) -> urllib3.PoolManager:
        context = self._context(host, verify) if host else None
        options = {"num_pools": 8, "maxsize": 16, "block": False, "ssl_context": context}
        if not proxy:
            return urllib3.PoolManager(**options)  # type: ignore[arg-type]
        user, at, address = proxy.rpartition("@")
        headers = None
        if at:
            scheme, _, pair = user.partition("://")
            headers = urllib3.make_headers(proxy_basic_auth=pair)
            proxy = f"{scheme}://{address}"
        return urllib3.ProxyManager(
            proxy,
            proxy_headers=headers,
            **options,  # type: ignore[arg-type]
        )

    def _context(self, host: str, verify: bool) -> ssl.SSLContext:
        """TLS ≥ 1.2; CA and client certificates from certs.d/<host>, as dockerd's."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Python 3.13 asks more of a private authority than Go does (a key usage, for one).
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        folder = self._certs / host
        if "/" in host or host in ("", ".", "..") or not folder.is_dir():
            return context
        for entry in sorted(folder.iterdir()):
            if entry.suffix == ".crt":
                context.load_verify_locations(entry)
            elif entry.suffix == ".cert":
                key = entry.with_suffix(".key")
                if not key.exists():
                    raise RegistryFailure(
                        f"missing key {key.name} for client certificate {entry.name}. "
                        "CA certificates must use the extension .crt"
                    )
                context.load_cert_chain(entry, key)
        return context
