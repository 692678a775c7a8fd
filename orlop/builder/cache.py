"""The cache: step (by instruction and the content it reads) → layer. Survives restarts and `rmi`.

    <data-root>/orlop/build/cache.db

Only steps of this engine write it: an image from elsewhere, whatever its history claims, is never
an answer. Layers that it names are kept from being removed; `prune` lets them go. It can be
derived again: a damaged file is begun anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from orlop.oci.digest import ChainID, DiffID

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_SCHEMA = """
create table if not exists steps (
  key text primary key, chain text not null, diff text not null, text text not null,
  size integer not null, created real not null, used real not null, uses integer not null
) without rowid;
create index if not exists steps_chain on steps (chain);
create table if not exists seen (image text primary key) without rowid;
create table if not exists inputs (
  lineage text, place text, at real, key text, data blob, primary key (lineage, place)
) without rowid;
create table if not exists digests (chain text, path text, data blob, primary key (chain, path))
without rowid;
"""
_LINEAGES = 200  # builds whose inputs are remembered for `--explain`


@dataclass(frozen=True, slots=True)
class Hit:
    chain: ChainID | None
    diff: DiffID | None  # None: the step changed nothing


@dataclass(frozen=True, slots=True)
class Record:
    """A row for `system df` and `prune`. Times in seconds since 1970."""

    key: str
    chain: str
    text: str
    size: int
    created: float
    used: float
    uses: int


def key_of(inputs: dict[str, Any]) -> str:
    """The digest of everything that a step's outcome depends on."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _lossy(default: Callable[[], T]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """What cannot be written (a full disk) is forgotten: the cache can be derived again."""

    def decorate(write: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(write)
        def call(*args: P.args, **options: P.kwargs) -> T:
            try:
                return write(*args, **options)
            except sqlite3.Error as error:
                log.warning("build cache: %s", error)
                return default()

        return call

    return decorate


class Cache:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError as error:
            log.warning("build cache %s is begun anew: %s", path, error)
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._db = _open(path)
        self._fresh: dict[str, tuple[Hit, str, int]] = {}  # not durable yet

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # --- steps --------------------------------------------------------------------------------

    def find(self, key: str) -> Hit | None:
        with self._lock:
            fresh = self._fresh.get(key)
            if fresh is not None:
                return fresh[0]
            row = self._db.execute("select chain, diff from steps where key = ?", (key,)).fetchone()
        if row is None:
            return None
        return Hit(ChainID(row[0]) if row[0] else None, DiffID(row[1]) if row[1] else None)

    def note(self, key: str, hit: Hit, text: str, size: int) -> None:
        """Known from now on, written by `save`."""
        with self._lock:
            self._fresh[key] = (hit, text[:4000], size)

    @_lossy(lambda: list[ChainID]())
    def save(
        self, keys: Iterable[str], used: Iterable[str], images: Iterable[str]
    ) -> list[ChainID]:
        """Write fresh steps whose layers are durable, note which were of use. Returns the layers
        that it had not stood for."""
        now = time.time()
        new: list[ChainID] = []
        with self._lock, self._db:
            for key in keys:
                found = self._fresh.pop(key, None)
                if found is None:
                    continue
                hit, text, size = found
                if hit.chain and not self._stands_for(hit.chain):
                    new.append(hit.chain)
                self._db.execute(
                    "insert or replace into steps values (?,?,?,?,?,?,?,0)",
                    (key, hit.chain or "", hit.diff or "", text, size, now, now),
                )
            self._db.executemany(
                "update steps set used = ?, uses = uses + 1 where key = ?",
                [(now, key) for key in used],
            )
            self._db.executemany(
                "insert or ignore into seen values (?)", [(image,) for image in images]
            )
        return new

    def _stands_for(self, chain: str) -> bool:
        found = self._db.execute("select 1 from steps where chain = ? limit 1", (chain,))
        return found.fetchone() is not None

    def seen(self, image: str) -> bool:
        """Some build came to this image before."""
        with self._lock:
            found = self._db.execute("select 1 from seen where image = ?", (image,)).fetchone()
        return found is not None

    def chains(self) -> list[ChainID]:
        """The layers it stands for."""
        with self._lock:
            rows = self._db.execute("select distinct chain from steps where chain != ''")
            return [ChainID(row[0]) for row in rows]

    def records(self) -> list[Record]:
        """Oldest use first."""
        with self._lock:
            rows = self._db.execute(
                "select key, chain, text, size, created, used, uses from steps order by used"
            )
            return [Record(*row) for row in rows]

    def drop(self, records: Iterable[Record]) -> list[ChainID]:
        """Returns the layers that it no longer stands for."""
        gone = list(records)
        keys = [record.key for record in gone]
        with self._lock, self._db:
            self._db.executemany("delete from steps where key = ?", [(key,) for key in keys])
            if not self._db.execute("select 1 from steps limit 1").fetchone():
                for table in ("seen", "inputs", "digests"):
                    self._db.execute(f"delete from {table}")
            chains = {record.chain for record in gone if record.chain}
            return [ChainID(chain) for chain in chains if not self._stands_for(chain)]

    # --- what steps read ----------------------------------------------------------------------

    def inputs(self, lineage: str) -> dict[str, dict[str, Any]]:
        """place → inputs of the last build of this lineage."""
        with self._lock:
            rows = self._db.execute(
                "select place, data from inputs where lineage = ?", (lineage,)
            ).fetchall()
        out = {}
        for place, data in rows:
            with contextlib.suppress(ValueError, zlib.error):
                out[place] = json.loads(zlib.decompress(data))
        return out

    @_lossy(lambda: None)
    def save_inputs(self, lineage: str, found: dict[str, tuple[str, dict[str, Any]]]) -> None:
        """place → (key, inputs). Only what changed is written: a cached build writes nothing."""
        keys = {place: key for place, (key, _) in found.items()}
        now = time.time()
        with self._lock:
            known = dict(
                self._db.execute(
                    "select place, key from inputs where lineage = ?", (lineage,)
                ).fetchall()
            )
            if known == keys:
                return
            with self._db:
                self._db.executemany(
                    "delete from inputs where lineage = ? and place = ?",
                    [(lineage, place) for place in known if place not in keys],
                )
                self._db.executemany(
                    "insert or replace into inputs values (?,?,?,?,?)",
                    [
                        (lineage, place, now, keys[place], _packed(value))
                        for place, (_, value) in found.items()
                        if known.get(place) != keys[place]
                    ],
                )
                self._db.execute(
                    "delete from inputs where lineage not in (select lineage from inputs "
                    "group by lineage order by max(at) desc limit ?)",
                    (_LINEAGES,),
                )

    def contents(self, chain: str, path: str) -> dict[str, list[Any]] | None:
        """What `path` of a layer stack holds, if it was looked at before."""
        with self._lock:
            row = self._db.execute(
                "select data from digests where chain = ? and path = ?", (chain, path)
            ).fetchone()
        if row is None:
            return None
        try:
            found: dict[str, list[Any]] = json.loads(zlib.decompress(row[0]))
        except (ValueError, zlib.error):
            return None
        return found

    @_lossy(lambda: None)
    def save_contents(self, chain: str, path: str, found: dict[str, list[Any]]) -> None:
        data = _packed(found)
        with self._lock, self._db:
            self._db.execute("insert or replace into digests values (?,?,?)", (chain, path, data))


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value).encode(), 1)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level="DEFERRED")
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    path.chmod(0o600)
    return db
