"""The daemon's end of the resolver: starts it at first need, tells it who is called what.

What is said is kept, and said again to a resolver that was started anew; its sockets in the
containers' namespaces are then made again as well (`serve_again`).
"""

from __future__ import annotations

import importlib.util
import logging
import select
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from orlop.errors import OrlopError, SystemFailure
from orlop.kernel.resolver import ADDRESS
from orlop.network.beside import Beside

Json = dict[str, Any]
Op = tuple[Any, ...]

_log = logging.getLogger(__name__)

_LOOK = 5000  # milliseconds

__all__ = ["ADDRESS", "Resolver"]


def _libraries() -> list[str]:
    """Where dnslib lies; the process starts without site-packages."""
    found = importlib.util.find_spec("dnslib")
    if found is None or found.origin is None:
        raise SystemFailure("the Python package dnslib is missing: install orlop again")
    return [str(Path(found.origin).parent.parent)]


class Resolver:
    def __init__(self, exec_root: Path) -> None:
        self._exec_root = exec_root
        self._beside: Beside | None = None
        self._documents: dict[str, Json] = {}  # by container ID
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._closed = False
        self.serve_again: Callable[[str], None] = lambda id: None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The resolver, when it was this daemon that started it."""
        return self._beside.process if self._beside is not None else None

    @property
    def path(self) -> Path:
        return self._exec_root / "dns.sock"

    def ops(self, id: str) -> list[Op]:
        """What happens in the namespace of a container that may ask."""
        return [("resolver", str(self.path), id)]

    def put(self, document: Json) -> None:
        """Of one container, see `dns.names`. Raises SystemFailure when there is no resolver."""
        with self._lock:
            self._documents[document["id"]] = document
            lost = self._say({"op": "put", **document})
        self._again(lost, document["id"])

    def drop(self, id: str) -> None:
        with self._lock:
            if self._documents.pop(id, None) is None:
                return
            try:
                self._open().send({"op": "drop", "id": id})
            except (OSError, AssertionError):
                pass  # dead: the next hears of it no more

    def restore(self, documents: Iterable[Json]) -> None:
        """After a daemon start: these run now, and no others."""
        wanted = {document["id"]: document for document in documents}
        with self._lock:
            self._documents.update(wanted)
            if not wanted and not self.path.exists():
                return
            beside = self._open()
            try:
                if not beside.connect() and not wanted:
                    return
                beside.ensure()
                beside.send({"op": "keep", "ids": sorted(wanted), "ask": True})
                served = set(beside.receive()["ids"])
                for document in wanted.values():
                    beside.send({"op": "put", **document})
            except OSError as error:
                _log.error("resolver: %s", error)
                return
            self._watch()
        self._again(set(wanted) - served)

    def _open(self) -> Beside:
        if self._beside is None:
            self._beside = Beside(self._exec_root, "dns", "orlop.network.dns.program", _libraries())
        return self._beside

    def _say(self, request: Json) -> set[str]:
        """Returns the containers whose sockets died with an earlier resolver."""
        beside = self._open()
        for attempt in (1, 2):
            try:
                lost = self._ensure(beside)
                beside.send(request)
                self._watch()
                return lost
            except OSError as error:
                beside.disconnect()
                if attempt == 2:
                    raise SystemFailure(f"the resolver does not start: {error}") from error
        raise AssertionError("unreachable")

    def _again(self, ids: Iterable[str], besides: str = "") -> None:
        for id in set(ids) - {besides}:
            try:
                self.serve_again(id)
            except (OrlopError, OSError) as error:
                _log.warning("resolver of container %s: %s", id[:12], error)

    def _watch(self) -> None:
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._wait, name="resolver", daemon=True)
            self._watcher.start()

    def _wait(self) -> None:
        """One thread that starts it again when it dies while containers need it."""
        while (fd := self._watched()) >= 0:
            poll = select.poll()
            poll.register(fd, 0)  # only its end
            poll.poll(_LOOK)
            self._again(self._look())

    def _watched(self) -> int:
        """The connection's fd; -1 to end the thread."""
        with self._lock:
            fd = -1 if self._closed or not self._documents else self._open().fd
            if fd < 0:
                self._watcher = None
            return fd

    def _look(self) -> set[str]:
        with self._lock:
            beside = self._open()
            if self._closed or not self._documents or not beside.gone():
                return set()
            _log.warning("the resolver is gone, starting it again")
            beside.disconnect()
            try:
                return self._ensure(beside)
            except OSError as error:
                _log.error("resolver: %s", error)
                return set()

    def _ensure(self, beside: Beside) -> set[str]:
        """Have one; a new one hears of all, and made none of the sockets of those returned."""
        if not beside.ensure():
            return set()
        for document in self._documents.values():
            beside.send({"op": "put", **document})
        return set(self._documents)

    def close(self) -> None:
        """Let go; it serves on."""
        with self._lock:
            self._closed = True
            if self._beside is not None:
                self._beside.disconnect()
