"""Events of the engine: published once, kept as a short history, fanned out to subscribers.

Subscribers are called on the publisher's thread and must not block.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

HISTORY = 256  # as dockerd: `docker events --since` reaches back this many


@dataclass(frozen=True, slots=True)
class Event:
    type: str  # container image volume network daemon builder
    action: str
    id: str
    attributes: dict[str, str]
    time_ns: int
    scope: str = "local"


@dataclass(slots=True)
class Events:
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _history: deque[Event] = field(default_factory=lambda: deque(maxlen=HISTORY))
    _subscribers: dict[int, Callable[[Event], None]] = field(default_factory=dict)
    _next: int = 0

    def publish(
        self,
        type: str,
        action: str,
        id: str,
        attributes: dict[str, str] | None = None,
        time_ns: int | None = None,
    ) -> None:
        event = Event(type, action, id, attributes or {}, time_ns or time.time_ns())
        with self._lock:
            self._history.append(event)
            subscribers = list(self._subscribers.values())
        for callback in subscribers:
            callback(event)

    def listeners(self) -> int:
        return len(self._subscribers)

    def subscribe(
        self, callback: Callable[[Event], None]
    ) -> tuple[list[Event], Callable[[], None]]:
        """Register; returns (history up to now, cancel). No event is missed or seen twice."""
        with self._lock:
            key = self._next
            self._next += 1
            self._subscribers[key] = callback
            past = list(self._history)

        def cancel() -> None:
            with self._lock:
                self._subscribers.pop(key, None)

        return past, cancel
