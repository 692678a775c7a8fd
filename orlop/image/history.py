"""`docker history`: one row for each history entry, newest first."""

from __future__ import annotations

from typing import Any

from orlop.errors import SystemFailure
from orlop.image import times
from orlop.image.images import Images


def history(images: Images, ref: str) -> list[dict[str, Any]]:
    """Docker's HistoryResponseItem dicts. Raises NotFound, SystemFailure."""
    image = images.get(ref)
    rows: list[dict[str, Any]] = []
    layer = 0
    for entry in image.config.get("history") or []:
        size = 0
        if not entry.get("empty_layer"):
            if layer >= len(image.chains):
                raise SystemFailure("too many non-empty layers in History section")
            size = images.layers.get(image.chains[layer]).size
            layer += 1
        rows.append(
            {
                "Comment": entry.get("comment") or "",
                "Created": times.parse_ns(entry.get("created") or "") // 10**9,
                "CreatedBy": entry.get("created_by") or "",
                "Id": "<missing>",
                "Size": size,
                "Tags": None,
            }
        )
    rows.reverse()
    current = image
    for row in rows:
        row["Id"] = current.id
        names = [n.familiar for n in images.references.of(current.id) if not n.digest]
        row["Tags"] = names or None
        above = images.find(current.parent) if current.parent is not None else None
        if above is None:
            break
        current = above
    return rows
