"""Pushes over lines that break: the registry keeps what arrived, and gets only the rest."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.images import fake_images, layer_tar, put_image
from fakes.served_registry import ServedRegistry

from orlop.image.images import Images
from orlop.image.push import push

SIZE = 2_000_000


class Cutter:
    """Between client and registry: each connection that sends more than its share is cut."""

    def __init__(self, host: str, shares: list[int]) -> None:
        self.target = host.split(":")
        self.shares = shares
        self.sent = 0  # bytes of requests that reached the registry
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.create_connection((self.target[0], int(self.target[1])))
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        passed = 0
        with client, server:
            while data := self._read(client):
                if self.shares and passed + len(data) > self.shares[0]:
                    data = data[: max(0, self.shares.pop(0) - passed)]
                    server.sendall(data)
                    self.sent += len(data)
                    client.shutdown(socket.SHUT_RDWR)
                    server.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(data)
                passed += len(data)
                self.sent += len(data)
            server.shutdown(socket.SHUT_WR)
            back.join(5)

    @staticmethod
    def _read(sock: socket.socket) -> bytes:
        try:
            return sock.recv(65536)
        except OSError:
            return b""

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        while data := self._read(source):
            try:
                target.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ServedRegistry]:
    made = ServedRegistry(tmp_path / "served")
    yield made
    made.close()


def image(folder: Path, name: str, **config: object) -> Images:
    images = fake_images(folder, **config)
    put_image(images, name, layers=[layer_tar({"noise": os.urandom(SIZE)})])
    return images


def test_a_push_that_breaks_twice_sends_each_byte_about_once(
    registry: ServedRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.image.send.min", lambda *a: 0.01, raising=False)
    cutter = Cutter(registry.host, [700_000, 600_000])
    images = image(tmp_path / "here", f"{cutter.host}/a:1")
    rows = list(push(images, f"{cutter.host}/a", tag="1"))
    cutter.close()
    assert cutter.shares == []  # both cuts happened
    assert len([r for r in rows if str(r.get("status")).startswith("Retrying")]) == 2
    assert cutter.sent < SIZE + 400_000
    assert registry.images.get("a:1").diff_ids == images.get(f"{cutter.host}/a:1").diff_ids


def test_without_a_cache_it_begins_anew(
    registry: ServedRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.image.send.min", lambda *a: 0.01, raising=False)
    cutter = Cutter(registry.host, [700_000])
    images = image(tmp_path / "here", f"{cutter.host}/a:1", blob_cache_size=0)
    list(push(images, f"{cutter.host}/a", tag="1"))
    cutter.close()
    assert cutter.sent > SIZE + 600_000
    assert registry.images.get("a:1").diff_ids == images.get(f"{cutter.host}/a:1").diff_ids
