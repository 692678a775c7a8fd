"""Contexts that were sent: kept for a while, so that a client need not send again what it has not
changed. Their spools are unnamed files; nothing is left when the daemon ends.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from orlop.builder.context import Context

_AGE = 600.0  # seconds
_CONTEXTS = 8
_ENTRIES = 200_000  # files of all of them: their index is in memory
_BYTES = 4 << 30
_SMALL = 1 << 20  # bytes: what is sent again at once is not worth an index
_FEW = 50  # files, likewise
_WASTE = 64 << 20  # bytes of files that are no more
_OFFERED = 100  # contexts whose contents are still to come
_OFFERED_ENTRIES = 2_000_000  # files of all of them

Key = tuple[str, str]  # the client's name for the place, and the directory's
_Shelf = OrderedDict[Key, tuple[Context, float]]


@dataclass(eq=False, slots=True)
class Kept:
    _contexts: _Shelf = field(default_factory=OrderedDict)
    _offered: _Shelf = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def take(self, key: Key) -> Context | None:
        """An empty one that knows what was sent before; the caller's."""
        with self._lock:
            found = self._contexts.pop(key, None)
        return found[0].again() if found is not None else None

    def keep(self, key: Key, context: Context) -> None:
        """Takes it over; it may be closed at once."""
        small = context.size < _SMALL and max(len(context), len(context.told)) < _FEW
        if not key[0] or small or context.size > 2 * context.live() + _WASTE:
            context.close()
            return
        with self._lock:
            old = self._contexts.pop(key, None)
            self._contexts[key] = context, time.monotonic()
            gone = [old[0]] if old is not None else []
            gone += self._too_many()
            self._watch()
        for one in gone:
            one.close()

    def offer(self, context: Context) -> str:
        """Hold one until its contents come: the name to `accept` it by."""
        name = secrets.token_hex(16)
        gone = []
        with self._lock:
            self._offered[name, ""] = context, time.monotonic()
            while len(self._offered) > 1 and self._too_many_offered():
                gone.append(self._offered.popitem(last=False)[1][0])
            self._watch()
        for one in gone:
            one.close()
        return name

    def accept(self, name: str) -> Context | None:
        """The caller's, once."""
        with self._lock:
            found = self._offered.pop((name, ""), None)
        return found[0] if found is not None else None

    def drop(self, older: float = 0.0, *, offered: bool = True) -> None:
        """Those that were kept for so many seconds. Without the `offered`: for clients that send
        theirs now."""
        limit = time.monotonic() - older
        gone = []
        with self._lock:
            for shelf in (self._contexts, self._offered) if offered else (self._contexts,):
                keys = [key for key, (_, since) in shelf.items() if since <= limit]
                gone += [shelf.pop(key)[0] for key in keys]
            self._watch()
        for one in gone:
            one.close()

    def _too_many_offered(self) -> bool:
        entries = sum(context.entries() for context, _ in self._offered.values())
        return len(self._offered) > _OFFERED or entries > _OFFERED_ENTRIES

    def _too_many(self) -> list[Context]:
        """The oldest, until the rest is little enough."""
        out = []
        while self._contexts:
            found = [context for context, _ in self._contexts.values()]
            much = sum(one.size for one in found) > _BYTES
            if (
                len(found) <= _CONTEXTS
                and not much
                and sum(map(Context.entries, found)) <= _ENTRIES
            ):
                break
            out.append(self._contexts.popitem(last=False)[1][0])
        return out

    def _watch(self) -> None:
        """Somebody looks again when the oldest is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        shelves = [shelf for shelf in (self._contexts, self._offered) if shelf]
        if shelves:
            since = min(next(iter(shelf.values()))[1] for shelf in shelves)
            wait = max(0.0, since + _AGE - time.monotonic())
            self._timer = threading.Timer(wait, self.drop, (_AGE,))
            self._timer.daemon = True
            self._timer.start()
