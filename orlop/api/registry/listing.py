"""`/v2/<name>/tags/list` and `/v2/_catalog`, page by page."""

from __future__ import annotations

from urllib.parse import urlencode

from orlop.api import encode
from orlop.api.answer import Answer, Headers
from orlop.api.registry.problem import Problem
from orlop.api.registry.request import Request

_MOST = 10_000


def tags(request: Request) -> Answer:
    found = request.published.tags(request.repository)
    if not found and not request.published.has(request.repository):
        raise Problem("NAME_UNKNOWN", request.name)
    page, link = _page(request, found, f"/v2/{request.name}/tags/list")
    return Answer(200, encode.dumps({"name": request.name, "tags": page}), headers=link)


def catalog(request: Request) -> Answer:
    page, link = _page(request, request.published.names(), "/v2/_catalog")
    return Answer(200, encode.dumps({"repositories": page}), headers=link)


def _page(request: Request, entries: list[str], path: str) -> tuple[list[str], Headers]:
    """`n` of them after `last`, and the Link header that leads on."""
    number = request.text("n")
    if number and not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Problem("PAGINATION_NUMBER_INVALID", number[:20])
    last = request.text("last")
    rest = sorted(entry for entry in entries if not last or entry > last)
    size = min(int(number), _MOST) if number else _MOST
    page = rest[:size]
    if len(page) == len(rest) or not page:
        return page, ()
    query = urlencode({"last": page[-1], "n": size})
    return page, (("Link", f'<{path}?{query}>; rel="next"'),)
