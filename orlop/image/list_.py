"""`GET /images/json`: the rows of `docker images`, newest first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from orlop.image import filters as filtering
from orlop.image import times
from orlop.image.filters import Filters
from orlop.image.images import Images
from orlop.image.model import Image
from orlop.oci.digest import ChainID, ImageID
from orlop.oci.reference import Reference, match

_KNOWN = frozenset({"dangling", "label", "before", "since", "reference", "until"})


def list_(
    images: Images,
    *,
    all: bool = False,
    filters: Filters | None = None,
    shared_size: bool = False,
    containers: bool = False,
) -> list[dict[str, Any]]:
    """Docker's ImageSummary dicts. Raises InvalidArgument, NotFound, SystemFailure.

    Digests are always in; `containers` counts the containers of each image (`system df`), else -1.
    """
    filters = filters or {}
    filtering.check(filters, _KNOWN)
    dangling = filtering.boolean(filters, "dangling", False)
    low, high = _window(images, filters)
    parents = {image.parent for image in images.all()}
    counts = Counter(use.image_id for use in images.in_use()) if containers else None
    sizes: dict[ChainID, int] = {}
    rows: list[tuple[int, dict[str, Any]]] = []
    for image in images.all():
        created = times.parse_ns(image.created)
        if (low is not None and created <= low) or (high is not None and created >= high):
            continue
        labels = image.run_config.get("Labels")
        if filters.get("label") and not filtering.labels_match(filters, "label", labels or {}):
            continue
        names = [n for n in images.references.of(image.id) if _wanted(filters, n)]
        if names:
            if dangling and any(not name.digest for name in names):
                continue
        elif _hidden(filters, dangling) or not (all or image.id not in parents):
            continue
        row = _row(image, names, created, labels, _size(images, image, sizes))
        if counts is not None:
            row["Containers"] = counts[image.id]
        rows.append((created, row))
    if shared_size:
        _add_shared(images, [row for _, row in rows], sizes)
    rows.sort(key=lambda pair: pair[0], reverse=True)
    return [row for _, row in rows]


def _hidden(filters: Filters, dangling: bool) -> bool:
    """Images without a name are not asked for."""
    return bool((filters.get("dangling") and not dangling) or filters.get("reference"))


def _window(images: Images, filters: Filters) -> tuple[int | None, int | None]:
    """Created must lie strictly between these moments."""
    low: int | None = None
    high: int | None = None
    for ref in filters.get("before") or []:
        moment = times.parse_ns(images.get(ref).created)
        high = moment if high is None else min(high, moment)
    for ref in filters.get("since") or []:
        moment = times.parse_ns(images.get(ref).created)
        low = moment if low is None else max(low, moment)
    for text in filters.get("until") or []:
        moment = times.moment_ns(text)
        high = moment if high is None else min(high, moment)
    return low, high


def _wanted(filters: Filters, name: Reference) -> bool:
    patterns = filters.get("reference") or []
    return not patterns or any(match(pattern, name) for pattern in patterns)


def _size(images: Images, image: Image, sizes: dict[ChainID, int]) -> int:
    for chain in image.chains:
        if chain not in sizes:
            sizes[chain] = images.layers.get(chain).size
    return sum(sizes[chain] for chain in image.chains)


def _row(
    image: Image, names: list[Reference], created: int, labels: dict[str, str] | None, size: int
) -> dict[str, Any]:
    return {
        "Containers": -1,
        "Created": created // 10**9,
        "Id": image.id,
        "Labels": labels,
        "ParentId": image.parent or "",
        "RepoDigests": [n.familiar for n in names if n.digest],
        "RepoTags": [n.familiar for n in names if not n.digest],
        "SharedSize": -1,
        "Size": size,
    }


def _add_shared(images: Images, rows: list[dict[str, Any]], sizes: dict[ChainID, int]) -> None:
    """Bytes of layers that more than one image has."""
    users = Counter(chain for image in images.all() for chain in image.chains)
    for row in rows:
        image = images.find(ImageID(row["Id"]))
        chains = image.chains if image is not None else ()
        row["SharedSize"] = sum(sizes[chain] for chain in chains if users[chain] > 1)
