"""Tag lists, page by page.

Source: OCI distribution-spec "Listing Tags" (Link header, RFC 8288).
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Sequence
from typing import Any

from urllib3.exceptions import HTTPError

from orlop.oci.reference import Reference
from orlop.registry import wording
from orlop.registry.client import pull_scope
from orlop.registry.encoding import read_up_to
from orlop.registry.failure import RegistryFailure
from orlop.registry.joined import joined
from orlop.registry.session import Session, origin_of

_PAGE = 1000
_MAX_PAGES = 1000
_MAX_BODY = 16 << 20
_NEXT = re.compile(r'<([^>]*)>[^,]*?;\s*rel="?next"?', re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def list_tags(session: Session, reference: Reference) -> Iterator[str]:
    """Tags in the registry's order; what is no tag is left out. Raises RegistryFailure."""
    path = f"/v2/{reference.path}/tags/list?n={_PAGE}"
    for tag in _pages(session, path, pull_scope(reference)):
        if _TAG.fullmatch(tag) is not None:
            yield tag


def _pages(session: Session, path: str, scopes: Sequence[str]) -> Iterator[str]:
    url = session.endpoint.base + path
    seen: set[str] = set()
    for _ in range(_MAX_PAGES):
        seen.add(url)
        document, link = _page(session, url, scopes)
        entries = document.get("tags") or []
        if not isinstance(entries, list):
            raise RegistryFailure("invalid tags list from the registry")
        yield from (entry for entry in entries if isinstance(entry, str))
        following = next_page(session, url, link, seen)
        if following is None:
            return
        url = following
    raise RegistryFailure("the registry's list does not end")


def next_page(session: Session, url: str, link: str, seen: Container[str]) -> str | None:
    """What the header `Link` of the page `url` names. Raises RegistryFailure: never elsewhere."""
    found = _NEXT.search(link[:8192])
    if found is None:
        return None
    url = joined(url, found[1])
    if origin_of(url) != origin_of(session.endpoint.base) or url in seen:
        raise RegistryFailure(f"invalid next page from the registry: {url[:200]!r}")
    return url


def _page(session: Session, url: str, scopes: Sequence[str]) -> tuple[dict[str, Any], str]:
    with session.request("GET", url, scopes=scopes) as answer:
        try:
            data = read_up_to(answer, _MAX_BODY + 1)
        except HTTPError as error:
            raise wording.read_failure(error) from None
        link = answer.headers.get("Link", "")
    try:
        document = json.loads(data) if len(data) <= _MAX_BODY else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RegistryFailure("invalid list from the registry")
    return document, link
