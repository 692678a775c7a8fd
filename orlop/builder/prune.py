"""`builder prune`: let cached steps go, oldest use first."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field

from orlop.builder.builder import Builder
from orlop.container.filters import until
from orlop.oci.digest import ChainID

AGE_DAYS = 30  # since a step was of use
MOST = 20 << 30  # bytes of all steps


@dataclass(slots=True)
class Pruned:
    keys: list[str] = field(default_factory=list)
    size: int = 0  # bytes of the files of layers that went


def prune(
    builder: Builder,
    *,
    all: bool = False,
    filters: dict[str, list[str]] | None = None,
    keep: int = 0,
) -> Pruned:
    """`until`: only what was not of use since; `keep`: stop once the rest is no larger (bytes).

    Cache mounts go with `all`, when no build runs.
    """
    out = Pruned()
    wanted = filters or {}
    records = builder.cache.records()
    moment = until(wanted.get("until") or [])
    ids = set(wanted.get("id") or ())
    left = sum(r.size for r in records)
    chosen = []
    for record in records:
        if keep and left <= keep:
            break
        if moment is not None and record.used * 1e9 >= moment:
            continue
        if ids and record.key not in ids:
            continue
        chosen.append(record)
        left -= record.size
    sizes = {r.chain: r.size for r in chosen if r.chain}
    builder.images.let_go(builder.cache.drop(chosen))
    out.keys = [r.key for r in chosen]
    out.size = sum(size for chain, size in sizes.items() if not builder.layers.has(ChainID(chain)))
    if all and not wanted:
        with builder.lock:  # no build begins meanwhile
            if not builder.cancels:
                _drop_mounts(builder)
    return out


def _drop_mounts(builder: Builder) -> None:
    for folder in builder.mounts.iterdir():
        shutil.rmtree(folder, ignore_errors=True)


def tidy(builder: Builder, *, age_days: float = AGE_DAYS, most: int = MOST) -> None:
    """What every build ends with: steps nobody used for long, or too many of them, go."""
    records = builder.cache.records()
    oldest = time.time() - age_days * 86400
    if records and (records[0].used < oldest or sum(r.size for r in records) > most):
        moment = str(int(oldest))
        prune(builder, filters={"until": [moment]})
        prune(builder, keep=most)
