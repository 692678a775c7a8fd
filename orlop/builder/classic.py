"""Events → the messages of the classic `POST /build`: `Step 1/9 : FROM …`, ` ---> Using cache`, …

Pure. Steps that ran side by side are told one after the other, in the file's order: the first that
has not ended is told as it goes on, what others say is kept until it is their turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orlop.builder import events as ev

Json = dict[str, Any]
_RED, _PLAIN = "\x1b[91m", "\x1b[0m"


def classic(events: Iterable[ev.Event], *, quiet: bool = False) -> Iterator[Json]:
    """Messages in Docker's form; `quiet`: only the image's ID comes."""
    order = _Order()
    for event in events:
        if quiet:
            if isinstance(event, ev.Finished):
                yield {"stream": f"{event.image}\n"}
            continue
        yield from order.take(event)


class _Order:
    def __init__(self) -> None:
        self._waiting: list[int] = []  # numbers of vertices that are not told to the end, in order
        self._kept: dict[int, list[ev.Event]] = {}
        self._late: list[Json] = []

    def take(self, event: ev.Event) -> Iterator[Json]:
        if isinstance(event, ev.Planned):
            self._waiting = sorted(v.number for v in event.vertices)
        elif isinstance(event, ev.Warning):
            self._late.append({"stream": event.text + "\n"})
        elif isinstance(event, ev.Finished):
            yield from self._end(event)
        elif event.vertex.number:
            yield from self._step(event)

    def _step(self, event: Any) -> Iterator[Json]:
        number = event.vertex.number
        if not self._waiting or number != self._waiting[0]:
            self._kept.setdefault(number, []).append(event)
            return
        yield from _told(event)
        while isinstance(event, ev.Completed):
            self._waiting.pop(0)
            if not self._waiting:
                return
            kept = self._kept.pop(self._waiting[0], [])
            for event in kept:
                yield from _told(event)
            if not kept:
                return

    def _end(self, event: ev.Finished) -> Iterator[Json]:
        yield from self._late
        yield {"aux": {"ID": event.image}}
        yield {"stream": f"Successfully built {event.image[7:19]}\n"}
        for tag in event.tags:
            yield {"stream": f"Successfully tagged {tag}\n"}


def _told(event: Any) -> Iterator[Json]:
    if isinstance(event, ev.Started):
        vertex = event.vertex
        text = vertex.text.partition("\n")[0] if "<<" in vertex.text else vertex.text
        yield {"stream": f"Step {vertex.number}/{vertex.total} : {text}"}
        yield {"stream": "\n"}
    elif isinstance(event, ev.Progress):
        yield event.message
    elif isinstance(event, ev.Running):
        yield {"stream": f" ---> Running in {event.container[:12]}\n"}
    elif isinstance(event, ev.Log):
        text = event.data.decode("utf-8", "replace")
        yield {"stream": f"{_RED}{text}{_PLAIN}" if event.stream == 2 else text}
    elif isinstance(event, ev.Removed):
        yield {"stream": f" ---> Removed intermediate container {event.container[:12]}\n"}
    elif isinstance(event, ev.Explained):
        word = "hit" if event.hit else "miss"
        for reason in event.reasons:
            yield {"stream": f" ---> Cache {word}: {reason}\n"}
    elif isinstance(event, ev.Completed) and not event.error:
        if event.cached:
            yield {"stream": " ---> Using cache\n"}
        yield {"stream": f" ---> {event.image[7:19]}\n"}
