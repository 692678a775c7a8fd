"""What a session lends a build, as the mappings a request asks: secrets, credentials, agents.

Each is asked of the client when a step wants it, and kept nowhere.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import Outgoing, RpcFailure
from orlop.buildkit.http2 import Broken
from orlop.buildkit.session import Session
from orlop.protobuf import Malformed, decode, encode

Json = dict[str, Any]
_CHECK = "/moby.sshforward.v1.SSH/CheckAgent"
_FORWARD = "/moby.sshforward.v1.SSH/ForwardAgent"
_HUB = "https://index.docker.io/v1/"
_HUB_HOST = "registry-1.docker.io"  # BuildKit's name for it
_PIECE = 32 << 10


class _Asked(Mapping[str, Any]):
    """A mapping that is only looked up in."""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Secrets(_Asked):
    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, id: str) -> bytes:
        found = self._session.secret(id)
        if found is None:
            raise KeyError(id)
        return found


class Credentials(_Asked):
    """By registry, as X-Registry-Config has them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, name: str) -> Json:
        host = _HUB_HOST if name == _HUB else name
        if "://" in host:
            raise KeyError(name)
        try:
            found = self._session.credentials(host)
        except RpcFailure:
            found = None  # what the registry says without is the answer
        if found is None:
            raise KeyError(name)
        user, secret = found
        if not user:
            return {"identitytoken": secret, "serveraddress": name}
        return {"username": user, "password": secret, "serveraddress": name}


class Agents(_Asked):
    """ssh agents: id → a socket of ours behind which the client's answers. Close it."""

    def __init__(self, session: Session, scratch: Path) -> None:
        self._session = session
        self._folder = scratch / f"ssh-{secrets.token_hex(8)}"
        self._listeners: dict[str, socket.socket] = {}
        self._lock = threading.Lock()

    def __getitem__(self, id: str) -> str:
        with self._lock:
            path = self._folder / str(len(self._listeners))
            known = list(self._listeners)
            if id in known:
                return str(self._folder / str(known.index(id)))
            self._check(id)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            os.chmod(path, 0o666)  # whoever the step runs as; nobody else gets into the folder
            listener.listen(16)
            self._listeners[id] = listener
        threading.Thread(
            target=self._accept, args=(id, listener), name="orlop-ssh", daemon=True
        ).start()
        return str(path)

    def close(self) -> None:
        with self._lock:
            for listener in self._listeners.values():
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            self._listeners.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _check(self, id: str) -> None:
        try:
            self._session.call(_CHECK, m.AGENT_REQUEST, {"id": id}, m.EMPTY)
        except RpcFailure:
            raise KeyError(id) from None

    def _accept(self, id: str, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._forward, args=(id, sock), name="orlop-ssh", daemon=True
            ).start()

    def _forward(self, id: str, sock: socket.socket) -> None:
        with sock:
            try:
                call = self._session.open(_FORWARD, {"buildkit.ssh.id": [id]})
            except RpcFailure:
                return
            back = threading.Thread(target=_answers, args=(call, sock), daemon=True)
            back.start()
            try:
                while data := sock.recv(_PIECE):
                    call.send_encoded([encode(m.CHUNK, {"data": data})])
                call.send_end()
            except (OSError, Broken):
                call.close()
            back.join()
            call.close()


def _answers(call: Outgoing, sock: socket.socket) -> None:
    try:
        while (data := call.receive()) is not None:
            sock.sendall(decode(m.CHUNK, data).get("data", b""))
    except (OSError, RpcFailure, Malformed):
        pass
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
