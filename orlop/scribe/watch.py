"""Wake those who follow logs when a log changes: one inotify instance for the whole process.

The kernel allows a user few instances (128), so followers share one, and one thread reads it.
"""

from __future__ import annotations

import functools
import select
import threading
from collections.abc import Callable

from orlop.kernel import inotify

_MASK = inotify.MODIFY | inotify.CREATE | inotify.MOVED_TO | inotify.MOVED_FROM | inotify.DELETE

# Gets the changed file's name and whether it was deleted; b"": anything may have changed.
Callback = Callable[[bytes, bool], None]


class Watches:
    def __init__(self) -> None:
        self._fd = inotify.create()
        self._lock = threading.Lock()
        self._callbacks: dict[int, list[Callback]] = {}
        threading.Thread(target=self._run, name="log-watch", daemon=True).start()

    def add(self, directory: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` on the watching thread at each change; returns what ends that.

        Raises OSError.
        """
        with self._lock:
            watch = inotify.add(self._fd, directory, _MASK)
            self._callbacks.setdefault(watch, []).append(callback)
        return lambda: self._remove(watch, callback)

    def _remove(self, watch: int, callback: Callback) -> None:
        with self._lock:
            callbacks = self._callbacks.get(watch)
            if callbacks is None or callback not in callbacks:
                return
            callbacks.remove(callback)
            if callbacks:
                return
            del self._callbacks[watch]
            try:
                inotify.remove(self._fd, watch)
            except OSError:
                pass  # the directory is gone and the watch with it

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while True:
            poll.poll()
            calls: dict[Callback, set[tuple[bytes, bool]]] = {}
            with self._lock:
                for watch, mask, name in inotify.read(self._fd):
                    if mask & inotify.OVERFLOW:
                        found = [c for many in self._callbacks.values() for c in many]
                    elif mask & inotify.IGNORED:
                        found = self._callbacks.pop(watch, [])
                    else:
                        found = self._callbacks.get(watch, [])
                    deleted = bool(mask & inotify.DELETE)
                    for callback in found:
                        calls.setdefault(callback, set()).add((name, deleted))
            for callback, changes in calls.items():
                for change in changes:
                    callback(*change)


@functools.cache
def shared() -> Watches:
    """The process's own, made when first asked for."""
    return Watches()
