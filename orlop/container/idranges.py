"""The noun: which container has which range of the host's subordinate IDs (`--userns=auto`).

Ranges come from those of the user `orlop`, else `containers`, in /etc/subuid and /etc/subgid; a
container keeps its own from create to rm, in its record.
"""

from __future__ import annotations

import threading
from pathlib import Path

from orlop import subids
from orlop.errors import SystemFailure
from orlop.oci.idmap import IDMap

USERS = ("orlop", "containers")


class IDRanges:
    def __init__(self, uids: Path = subids.UIDS, gids: Path = subids.GIDS) -> None:
        self._files = (uids, gids)
        self._lock = threading.Lock()
        self._held: dict[str, IDMap] = {}

    def hold(self, id: str, idmap: IDMap) -> None:
        """As a record says."""
        with self._lock:
            self._held[id] = idmap

    def release(self, id: str) -> None:
        with self._lock:
            self._held.pop(id, None)

    def claim(self, id: str, size: int) -> IDMap:
        """`size` IDs of users and of groups that nobody holds. Raises SystemFailure."""
        with self._lock:
            found = IDMap(
                ((0, self._free(0, size), size),),
                ((0, self._free(1, size), size),),
            )
            self._held[id] = found
            return found

    def check(self) -> None:
        """Is there anything to claim from? Raises SystemFailure that says what to add."""
        for kind in range(2):
            self._pool(kind)

    def _pool(self, kind: int) -> list[tuple[int, int]]:
        path = self._files[kind]
        found = next((r for user in USERS if (r := subids.ranges(path, user))), None)
        if found:
            return found
        raise SystemFailure(
            f"--userns=auto takes its IDs from the range of user {USERS[0]} or {USERS[1]} in "
            f"{path}, which has none: add a line such as {USERS[0]}:2147483648:2147418112 to "
            f"{self._files[0]} and {self._files[1]}, or choose --userns=host"
        )

    def _free(self, kind: int, size: int) -> int:
        path, pool = self._files[kind], self._pool(kind)
        taken = sorted(
            (host, host + count)
            for held in self._held.values()
            for _, host, count in (held.uids, held.gids)[kind]
        )
        for first, count in pool:
            at = first
            for start, end in taken:
                if end <= at:
                    continue
                if start >= at + size:
                    break
                at = end
            if at + size <= first + count:
                return at
        raise SystemFailure(
            f"no {size} IDs in a row are free in {path}: remove containers with --userns=auto, ask "
            f"for less with --userns=auto:size=N, or give user {USERS[0]} a larger range"
        )
