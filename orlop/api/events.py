"""`GET /events`: the short history, then what happens, as JSON lines."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from orlop.api import decode
from orlop.api.answer import JSON, Stream
from orlop.api.call import Call
from orlop.api.encode import dumps
from orlop.errors import InvalidArgument
from orlop.events import Event

_QUEUE = 1024  # events a client may lag behind before it is cut off
_KNOWN = frozenset(
    (
        "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin",
        "scope", "secret", "service", "type", "volume",
    )
)  # fmt: skip


def events(call: Call) -> Stream:
    since, until = (
        decode.moment(call.text("since")),
        decode.moment(call.text("until")),
    )
    if until and since > until:
        raise InvalidArgument(
            f"`since` time ({call.text('since')}) cannot be after "
            f"`until` time ({call.text('until')})"
        )
    accept = matcher(call.filters())
    subscription = _Subscription(call, since, until, accept)
    return Stream(subscription.lines(), JSON)


class _Subscription:
    def __init__(self, call: Call, since: int, until: int, accept: Callable[[Event], bool]) -> None:
        self._until = until
        self._accept = accept
        self._queue: deque[Event] = deque()
        self._changed = threading.Condition()
        self._ended = False
        past, self._cancel = call.engine.events.subscribe(self._publish)
        if since or until:
            self._past = [e for e in past if e.time_ns >= since]
        else:
            self._past = []
        call.gone.call(self._end)

    def _publish(self, event: Event) -> None:
        with self._changed:
            if len(self._queue) >= _QUEUE:
                self._ended = True  # it does not read: others must not pay for it
            else:
                self._queue.append(event)
            self._changed.notify()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def lines(self) -> Iterator[bytes]:
        try:
            for event in self._past:
                if not self._until or event.time_ns <= self._until:
                    yield from self._shown(event)
            while (found := self._next()) is not None:
                yield from self._shown(found)
        finally:
            self._cancel()

    def _shown(self, event: Event) -> Iterator[bytes]:
        if self._accept(event):
            yield dumps(document(event)) + b"\n"

    def _next(self) -> Event | None:
        with self._changed:
            while not self._queue and not self._ended:
                left = None
                if self._until:
                    left = (self._until - time.time_ns()) / 1e9
                    if left <= 0:
                        return None
                self._changed.wait(left)
            if self._ended:
                return None
            event = self._queue.popleft()
        return None if self._until and event.time_ns > self._until else event


def document(event: Event) -> dict[str, Any]:
    """As API < 1.52: containers and images repeat status, id and from at the top."""
    out: dict[str, Any] = {}
    if event.type in ("container", "image"):
        out["status"] = event.action
        if event.id:
            out["id"] = event.id
        if event.type == "container" and event.attributes.get("image"):
            out["from"] = event.attributes["image"]
    return out | {
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.id, "Attributes": event.attributes},
        "scope": event.scope,
        "time": event.time_ns // 10**9,
        "timeNano": event.time_ns,
    }


def matcher(filters: dict[str, list[str]]) -> Callable[[Event], bool]:
    """Filters that Docker does not know are passed over, as it does here."""
    filters = {name: values for name, values in filters.items() if name in _KNOWN}
    if not filters:
        return lambda event: True

    def accept(event: Event) -> bool:
        return all(_holds(name, values, event) for name, values in filters.items())

    return accept


def _holds(name: str, values: list[str], event: Event) -> bool:
    if name == "event":
        # health_status and exec_* carry details behind a colon
        return any(v in (event.action, event.action.partition(":")[0]) for v in values)
    if name == "type":
        return event.type in values
    if name == "scope":
        return event.scope in values
    if name == "label":
        return all(_labelled(value, event.attributes) for value in values)
    if name == "image":
        return _image(values, event)
    if event.type != name:
        return False
    actor = event.attributes.get("name", "")
    return any(v and (event.id.startswith(v) or v == actor) for v in values)


def _labelled(value: str, attributes: dict[str, str]) -> bool:
    key, separator, wanted = value.partition("=")
    return key in attributes and (not separator or attributes[key] == wanted)


def _image(values: list[str], event: Event) -> bool:
    if event.type == "image":
        names = [event.id, event.attributes.get("name", "")]
    else:
        names = [event.attributes.get("image", "")]
    found = {*names, *(n.rpartition(":")[0] for n in names if ":" in n.rpartition("/")[2])}
    return any(v and v in found for v in values)
