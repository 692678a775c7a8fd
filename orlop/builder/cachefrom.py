"""`--cache-from`: images that the user trusts as answers. Pure over images and states.

A step of ours writes into history what it did and, for COPY, the digest of what it read. An image
whose history begins with the stage's own and goes on with the step's text holds its outcome. A RUN
that reads what history does not tell (a bound context, an interpreter's script) is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from orlop.builder.cache import Hit
from orlop.builder.state import State
from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.image.model import Image


def known(images: Images, names: Iterable[str]) -> list[Image]:
    """Those of the named that are here; the others are no error, as in Docker."""
    out = []
    for name in names:
        try:
            out.append(images.get(name))
        except OrlopError:
            continue
    return out


def find(sources: Iterable[Image], state: State, created_by: str) -> Hit | None:
    """The outcome of the step that says `created_by` after `state`."""
    depth, layers = len(state.history), len(state.diff_ids)
    for image in sources:
        if image.diff_ids[:layers] != state.diff_ids:
            continue
        history = image.config.get("history") or []
        if len(history) <= depth or not _same(history[:depth], state):
            continue
        entry = history[depth]
        if entry.get("created_by") != created_by:
            continue
        if entry.get("empty_layer"):
            return Hit(state.chain, None)
        if layers < len(image.diff_ids):
            return Hit(image.chains[layers], image.diff_ids[layers])
    return None


def _same(theirs: list[dict[str, object]], state: State) -> bool:
    return all(
        a.get("created_by") == b.get("created_by")
        and bool(a.get("empty_layer")) == bool(b.get("empty_layer"))
        for a, b in zip(theirs, state.history, strict=True)
    )
