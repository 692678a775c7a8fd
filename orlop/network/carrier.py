"""The daemon's end of the proxy: starts it at first need, hands it sockets, off the hot path.

Requests go through one worker thread in order, so that a start never waits for an interpreter.
"""

from __future__ import annotations

import logging
import queue
import socket
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orlop.network.beside import Beside

_log = logging.getLogger(__name__)
_TIMEOUT = 10.0


class Carrier:
    """Invariant: `_beside` is touched by the worker thread only."""

    def __init__(self, exec_root: Path) -> None:
        self._beside = Beside(exec_root, "proxy", "orlop.network.proxy")
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ids: set[str] = set()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The proxy, when it was this daemon that started it."""
        return self._beside.process

    def listen(
        self, id: str, key: str, protocol: str, sock: socket.socket, target: tuple[str, int]
    ) -> None:
        """Carry what comes to the bound `sock` to `target`. The socket is ours from now on."""
        if protocol == "tcp":
            # listen(2) checks the port again, and now it is what keeps others off it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.listen(4096)  # clients queue while the proxy is still starting
        self._ids.add(id)
        self._submit(
            {"op": "listen", "id": id, "key": key, "protocol": protocol, "target": list(target)},
            sock,
        )

    def drop(self, id: str) -> None:
        """Stop carrying for a container."""
        if id in self._ids:
            self._ids.discard(id)
            self._submit({"op": "drop", "id": id}, None)

    def restore(self, ids: Iterable[str]) -> set[str]:
        """After a daemon start: keep these, drop others; returns those it does carry for."""
        wanted = set(ids)
        if not wanted and not self._beside.path.exists():
            return set()
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._submit({"op": "keep", "ids": sorted(wanted)}, None, answer)
        try:
            found = answer.get(timeout=_TIMEOUT)
        except queue.Empty:
            found = None
        carried = set((found or {}).get("ids") or {})
        self._ids |= carried
        return carried

    def settle(self) -> None:
        """Wait until all that was asked for is done."""
        if self._thread is not None:
            done: queue.SimpleQueue[Any] = queue.SimpleQueue()
            self._queue.put((None, None, done))
            try:
                done.get(timeout=_TIMEOUT)
            except queue.Empty:
                _log.warning("the proxy does not answer")

    def close(self) -> None:
        self.settle()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=_TIMEOUT)
            self._thread = None

    def _submit(
        self,
        request: dict[str, Any],
        sock: socket.socket | None,
        answer: queue.SimpleQueue[Any] | None = None,
    ) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="proxy", daemon=True)
                self._thread.start()
        self._queue.put((request, sock, answer))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            request, sock, answer = item
            found = None
            try:
                if request is not None:
                    found = self._call(request, sock)
            except OSError as error:
                _log.warning("IPv6 and ::1 proxy: %s", error)
            finally:
                if sock is not None:
                    sock.close()
                if answer is not None:
                    answer.put(found)
        self._beside.disconnect()

    def _call(self, request: dict[str, Any], sock: socket.socket | None) -> dict[str, Any]:
        start = request["op"] == "listen"
        for attempt in (1, 2):
            try:
                if not self._beside.connect():
                    if not start:
                        return {}
                    self._beside.ensure()
                return self._exchange(request, sock)
            except OSError:
                self._beside.disconnect()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _exchange(self, request: dict[str, Any], sock: socket.socket | None) -> dict[str, Any]:
        self._beside.send({**request, "ask": True}, [sock.fileno()] if sock is not None else [])
        answer = self._beside.receive()
        if "error" in answer:
            _log.warning("proxy refused %s: %s", request["op"], answer["error"])
        return answer
