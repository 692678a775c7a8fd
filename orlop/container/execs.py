"""The noun: processes started in running containers beside the first one.

They live in memory only, as in Docker: a new daemon knows those that the keeper still has, under
their IDs, and answers "No such exec instance" for the others.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from orlop.errors import NotFound

Json = dict[str, Any]
KEPT = 64  # ended ones remembered per container, as their exit codes are asked for later


@dataclass(eq=False, slots=True)
class Exec:
    id: str
    container_id: str
    config: Json  # ExecConfig of the API
    running: bool = False
    started: bool = False
    exit_code: int | None = None
    pid: int = 0
    can_remove: bool = False
    ended: threading.Event = field(default_factory=threading.Event)  # set by its exit


@dataclass(eq=False, slots=True)
class Execs:
    _by_id: dict[str, Exec] = field(default_factory=dict)
    _of: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, id: str) -> Exec:
        found = self._by_id.get(id)
        if found is None:
            raise NotFound(f"No such exec instance: {id}")
        return found

    def find(self, id: str) -> Exec | None:
        return self._by_id.get(id)

    def add(self, new: Exec) -> None:
        with self._lock:
            self._by_id[new.id] = new
            own = self._of.setdefault(new.container_id, [])
            own.append(new.id)
            ended = [i for i in own if self._by_id[i].started and not self._by_id[i].running]
            for old in ended:
                self._by_id[old].can_remove = True
            for old in ended[:-KEPT]:
                own.remove(old)
                del self._by_id[old]

    def of(self, container_id: str) -> list[Exec]:
        """Those of one container, oldest first."""
        with self._lock:
            return [self._by_id[i] for i in self._of.get(container_id, ())]

    def drop(self, container_id: str) -> None:
        """The container was removed."""
        with self._lock:
            for id in self._of.pop(container_id, ()):
                self._by_id.pop(id, None)
