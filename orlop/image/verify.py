"""Hash an image again, from the files it is made of (`orlop image verify`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from orlop.errors import OrlopError
from orlop.image.images import Images
from orlop.oci.digest import ChainID, DiffID, digest_of


def verify(images: Images, ref: str) -> Iterator[dict[str, Any]]:
    """Rows `{"Kind": "config" | "layer", "Digest", "ChainID", "OK", "Error"}`. NotFound."""
    image = images.get(ref)
    right = digest_of(image.raw) == digest_of(images.stored_config(image.id))
    yield _row("config", image.id, "", "" if right else "the stored config was changed")
    with images.holding(image.chains), ThreadPoolExecutor(2) as pool:
        pairs = list(zip(image.chains, image.diff_ids))
        problems = pool.map(lambda pair: _check(images, *pair), pairs)
        for (chain, diff), problem in zip(pairs, problems):
            yield _row("layer", diff, chain, problem)


def _check(images: Images, chain: ChainID, diff: DiffID) -> str:
    """What is wrong with a layer, "" for nothing."""
    digest = hashlib.sha256()
    try:
        for piece in images.layers.open_tar(chain):
            digest.update(piece)
    except (OSError, OrlopError) as error:
        return str(error)
    found = "sha256:" + digest.hexdigest()
    return "" if found == diff else f"layer content has digest {found}"


def _row(kind: str, digest: str, chain: str, problem: str) -> dict[str, Any]:
    return {"Kind": kind, "Digest": digest, "ChainID": chain, "OK": not problem, "Error": problem}
