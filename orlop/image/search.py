"""`docker search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.errors import InvalidArgument
from orlop.image import filters as filtering
from orlop.image.filters import Filters
from orlop.image.images import Images
from orlop.oci.reference import DEFAULT_DOMAIN
from orlop.registry.search import search_registry

_KNOWN = frozenset({"is-automated", "is-official", "stars"})
_DEFAULT_LIMIT = 25
_MAX_LIMIT = 100


def search(
    images: Images,
    term: str,
    limit: int | None = None,
    filters: Filters | None = None,
    auth: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """`[{"star_count", "is_official", "name", "is_automated", "description"}]`."""
    filters = filters or {}
    filtering.check(filters, _KNOWN)
    official = _wish(filters, "is-official")
    automated = _wish(filters, "is-automated")
    stars = _stars(filters)
    if limit is None or limit == 0:
        limit = _DEFAULT_LIMIT
    if not 1 <= limit <= _MAX_LIMIT:
        raise InvalidArgument(f"limit {limit} is outside the range of [1, {_MAX_LIMIT}]")
    domain, name = _split(term)
    rows = [_clean(row) for row in search_registry(images.registries, domain, name, limit, auth)]
    return [
        row
        for row in rows[:limit]
        if (official is None or row["is_official"] is official)
        and (automated is None or automated is False)
        and row["star_count"] >= stars
    ]


def _wish(filters: Filters, name: str) -> bool | None:
    return filtering.boolean(filters, name, False) if filters.get(name) else None


def _stars(filters: Filters) -> int:
    least = 0
    for text in filters.get("stars") or []:
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            raise InvalidArgument(
                f"invalid filter 'stars={text}': strconv.Atoi: parsing \"{text}\": invalid syntax"
            )
        least = max(least, int(text))
    return least


def _split(term: str) -> tuple[str, str]:
    """The registry to ask and what to ask for."""
    if "://" in term:
        raise InvalidArgument(
            f"invalid repository name: repository name ({term}) should not have a scheme"
        )
    first, slash, rest = term.partition("/")
    if not slash or not (any(c in first for c in ".:") or first == "localhost"):
        return DEFAULT_DOMAIN, term.removeprefix("library/")
    domain = DEFAULT_DOMAIN if first in ("index.docker.io", DEFAULT_DOMAIN) else first
    return domain, rest.removeprefix("library/") if domain == DEFAULT_DOMAIN else rest


def _clean(row: Mapping[str, Any]) -> dict[str, Any]:
    stars = row.get("star_count")
    return {
        "star_count": stars if isinstance(stars, int) and not isinstance(stars, bool) else 0,
        "is_official": row.get("is_official") is True,
        "name": str(row.get("name") or ""),
        "is_automated": False,  # gone from the Hub; Docker 28 says false
        "description": str(row.get("description") or ""),
    }
