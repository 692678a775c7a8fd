"""`builder prune`: let cached steps go, oldest use first."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass, field

from orlop.builder.builder import Builder
from orlop.container.filters import until
from orlop.errors import InvalidArgument
from orlop.oci.digest import ChainID

AGE_DAYS = 30  # since a step was of use
MOST = 20 << 30  # bytes of all steps
_REGULAR = frozenset({"regular"})  # the type that every step of ours has
# what no step of ours says of itself: none is chosen by it
_UNTOLD = ("label", "label!", "parent", "description", "inuse", "shared", "private")
_KNOWN = ("until", "unused-for", "id", "type", *_UNTOLD)


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
    moment = _moment(wanted)
    records = builder.cache.records() if _REGULAR.issuperset(wanted.get("type") or ()) else []
    if any(name in wanted for name in _UNTOLD):
        records = []
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
        _drop_mounts(builder)
    return out


def _moment(filters: dict[str, list[str]]) -> int | None:
    """Of `until`, in nanoseconds. Raises InvalidArgument, also for names no dockerd knows."""
    prefix = "failed to prune build cache: "
    for name in filters:
        if name not in _KNOWN:
            raise InvalidArgument(f"{prefix}invalid filter '{name}'")
    values = [*filters.get("until", ()), *filters.get("unused-for", ())]
    if len(values) > 1:
        raise InvalidArgument(f"{prefix}filters expect only one value")
    try:
        return until(values)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"{prefix}\"until\" filter expects a duration (e.g., '24h') or a timestamp: "
            + error.message
        ) from None


def _drop_mounts(builder: Builder) -> None:
    """Out of the way while no build begins; removed behind that, which may take long."""
    gone = builder.spool / f"mounts-{secrets.token_hex(8)}"
    with builder.lock:
        if builder.cancels:
            return
        os.rename(builder.mounts, gone)
        builder.mounts.mkdir(mode=0o700)
    shutil.rmtree(gone, ignore_errors=True)


def tidy(builder: Builder, *, age_days: float = AGE_DAYS, most: int = MOST) -> None:
    """What every build ends with: steps nobody used for long, or too many of them, go."""
    records = builder.cache.records()
    oldest = time.time() - age_days * 86400
    if records and (records[0].used < oldest or sum(r.size for r in records) > most):
        moment = str(int(oldest))
        prune(builder, filters={"until": [moment]})
        prune(builder, keep=most)
