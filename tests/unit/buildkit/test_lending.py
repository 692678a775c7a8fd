"""Secrets, credentials and agents, with the client's end of a session beside it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orlop.buildkit import messages as m
from orlop.buildkit.grpc import NOT_FOUND, Channel, Handler, Incoming, RpcFailure, server
from orlop.buildkit.http2 import Connection
from orlop.buildkit.lending import Agents, Credentials, Secrets
from orlop.buildkit.session import Session, nobody

METHODS: dict[str, Handler] = {}


def answers(path: str) -> object:
    def keep(handler: Handler) -> Handler:
        METHODS[path] = handler
        return handler

    return keep


@answers("/moby.buildkit.secrets.v1.Secrets/GetSecret")
def _secret(call: Incoming) -> None:
    if call.request(m.SECRET_REQUEST).get("id") != "known":
        raise RpcFailure(NOT_FOUND, "secret not found")
    call.send(m.SECRET, {"data": b"\0word"})


@answers("/moby.filesync.v1.Auth/Credentials")
def _credentials(call: Incoming) -> None:
    host = call.request(m.CREDENTIALS_REQUEST).get("host")
    known = {
        "registry-1.docker.io": {"user": "u", "secret": "p"},
        "token.example": {"secret": "t"},
    }
    call.send(m.CREDENTIALS, known.get(str(host), {}))


@answers("/moby.sshforward.v1.SSH/CheckAgent")
def _check(call: Incoming) -> None:
    if call.request(m.AGENT_REQUEST).get("id") != "default":
        raise RpcFailure(2, "unset ssh forward key")
    call.send(m.EMPTY, {})


@answers("/moby.sshforward.v1.SSH/ForwardAgent")
def _forward(call: Incoming) -> None:
    assert call.first("buildkit.ssh.id") == "default"
    while (found := call.receive(m.CHUNK)) is not None:
        call.send(m.CHUNK, {"data": found.get("data", b"").upper()})


@pytest.fixture
def session() -> Iterator[Session]:
    ours, theirs = socket.socketpair()
    ends = [
        Connection(ours, client=True), Connection(theirs, client=False, serve=server(METHODS))
    ]  # fmt: skip
    threads = [threading.Thread(target=end.run, args=(b"",)) for end in ends]
    for thread in threads:
        thread.start()
    yield Session("id", "", frozenset(path.lower() for path in METHODS), Channel(ends[0]))
    ends[0].close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_secrets(session: Session) -> None:
    found = Secrets(session)
    assert found["known"] == b"\0word"
    assert found.get("other") is None
    assert Secrets(nobody()).get("known") is None


def test_credentials(session: Session) -> None:
    found = Credentials(session)
    hub = "https://index.docker.io/v1/"
    assert found[hub] == {"username": "u", "password": "p", "serveraddress": hub}
    assert found["token.example"]["identitytoken"] == "t"
    assert "other.example" not in found
    assert "https://token.example" not in found
    assert "token.example" not in Credentials(nobody())


def test_an_agent(session: Session, tmp_path: Path) -> None:
    with closing(Agents(session, tmp_path)) as agents:
        assert agents.get("other") is None
        path = agents["default"]
        assert agents["default"] == path
        for word in (b"one", b"two"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(path)
                client.sendall(word)
                assert client.recv(100) == word.upper()
                client.shutdown(socket.SHUT_WR)
                assert client.recv(100) == b""
    assert os.listdir(tmp_path) == []
