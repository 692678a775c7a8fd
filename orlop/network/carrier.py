"""The daemon's end of the proxy: starts it at first need, hands it sockets, off the hot path.

Requests go through one worker thread in order, so that a start never waits for an interpreter.
"""

from __future__ import annotations

import array
import logging
import marshal
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)
_LAUNCH = "import sys; sys.path.insert(0, {root!r}); from orlop.network.proxy import main; main()"
_TIMEOUT = 10.0


class Carrier:
    """Invariant: `_socket` is touched by the worker thread only."""

    def __init__(self, exec_root: Path) -> None:
        self._path = exec_root / "proxy.sock"
        self._pidfile = exec_root / "proxy.pid"
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ids: set[str] = set()

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
        if not wanted and not self._path.exists():
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
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _call(self, request: dict[str, Any], sock: socket.socket | None) -> dict[str, Any]:
        start = request["op"] == "listen"
        for attempt in (1, 2):
            try:
                if self._socket is None:
                    if not self._connect() and not start:
                        return {}
                    if self._socket is None:
                        self._start()
                return self._exchange(request, sock)
            except OSError:
                if self._socket is not None:
                    self._socket.close()
                    self._socket = None
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _exchange(self, request: dict[str, Any], sock: socket.socket | None) -> dict[str, Any]:
        assert self._socket is not None
        rights = []
        if sock is not None:
            fds = array.array("i", [sock.fileno()])
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        self._socket.sendmsg([marshal.dumps(request)], rights)
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionResetError("the proxy left")
        answer: dict[str, Any] = marshal.loads(data)
        if "error" in answer:
            _log.warning("proxy refused %s: %s", request["op"], answer["error"])
        return answer

    def _connect(self) -> bool:
        found = _seqpacket()
        try:
            found.connect(str(self._path))
        except OSError:
            found.close()
            return False
        self._socket = found
        return True

    def _start(self) -> None:
        """Listen for it, then start it with that socket: connecting needs no waiting."""
        self._path.unlink(missing_ok=True)
        self._path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        with _seqpacket() as control:
            mask = os.umask(0o177)
            try:
                control.bind(str(self._path))
            finally:
                os.umask(mask)
            control.listen(16)
            if self._process is not None:
                self._process.poll()
            self._process = _spawn(control.fileno())
        self._pidfile.write_text(f"{self._process.pid}\n")
        if not self._connect():
            raise ConnectionRefusedError("the proxy did not start")


def _seqpacket() -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(_TIMEOUT)
    return sock


def _spawn(control: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCH.format(root=root), str(control)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(control,),
        start_new_session=True,
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )
