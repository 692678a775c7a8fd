"""Work on a thread whose messages are an iterator.

Closing the iterator sets `cancel`; the work notices and undoes itself. What the work raises comes
out of the iterator.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

Emit = Callable[[dict[str, Any]], None]
Work = Callable[[Emit, threading.Event], None]

_DONE = object()


def stream(work: Work, name: str) -> Iterator[dict[str, Any]]:
    """The messages that `work(emit, cancel)` emits, as they come."""
    queue: SimpleQueue[Any] = SimpleQueue()
    cancel = threading.Event()

    def run() -> None:
        try:
            work(queue.put, cancel)
        except BaseException as error:
            queue.put(error)
        else:
            queue.put(_DONE)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not _DONE:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        cancel.set()
