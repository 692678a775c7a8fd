"""The proxy process: bytes both ways, half-close, back-pressure, death, leftovers."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.network.carrier import Carrier
from orlop.network.ports import bind

pytestmark = pytest.mark.root


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Carrier]:
    made = Carrier(tmp_path)
    yield made
    made.close()
    if made.process is not None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back all it got once its client has half-closed."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def talk(connection: socket.socket) -> None:
        with connection:
            data = bytearray()
            while chunk := connection.recv(1 << 16):
                data += chunk
            connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def bound(protocol: str = "tcp") -> tuple[socket.socket, int]:
    sock = bind(protocol, "::1", 0)
    assert sock is not None
    return sock, int(sock.getsockname()[1])


def listen(carrier: Carrier, target: int, id: str = "c1", protocol: str = "tcp") -> int:
    sock, port = bound(protocol)
    carrier.listen(id, "key", protocol, sock, ("127.0.0.1", target))
    return port


def exchange(port: int, data: bytes) -> bytes:
    with socket.create_connection(("::1", port), timeout=20) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        out = bytearray()
        while chunk := sock.recv(1 << 16):
            out += chunk
        return bytes(out)


def test_bytes_and_half_close(carrier: Carrier, echo: int) -> None:
    port = listen(carrier, echo)  # clients queue while the process starts
    assert exchange(port, b"hello") == b"hello"
    assert exchange(port, b"") == b""
    big = os.urandom(1 << 20) * 20
    assert hashlib.sha256(exchange(port, big)).digest() == hashlib.sha256(big).digest()


def test_many_at_once(carrier: Carrier, echo: int) -> None:
    port = listen(carrier, echo)
    wrong: list[int] = []

    def one(number: int) -> None:
        data = bytes([number]) * 100_000
        if exchange(port, data) != data:
            wrong.append(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


def test_a_reader_that_stops_holds_nobody_up(carrier: Carrier) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = listen(carrier, server.getsockname()[1])
        with socket.create_connection(("::1", port)) as lazy:
            source, _ = server.accept()
            source.setblocking(False)
            sent = 0
            try:
                while sent < 1 << 28:
                    sent += source.send(bytes(1 << 16))
                    time.sleep(0)
            except BlockingIOError:
                pass
            assert sent < 1 << 28  # back-pressure reached the source
            with socket.create_connection(("::1", port), timeout=5) as other:
                second, _ = server.accept()
                second.sendall(b"quick")
                assert other.recv(5) == b"quick"
                second.close()
            source.close()
            assert lazy.recv(1) == b"\0"


def test_refused_upstream_closes_the_client(carrier: Carrier) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = listen(carrier, unused.getsockname()[1])
        with socket.create_connection(("::1", port), timeout=5) as sock:
            assert sock.recv(1) == b""


def test_udp(carrier: Carrier) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = listen(carrier, server.getsockname()[1], protocol="udp")
        carrier.settle()
        clients = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(3)]
        for number, client in enumerate(clients):
            client.settimeout(5)
            client.sendto(bytes([number]), ("::1", port))
        for _ in clients:
            data, peer = server.recvfrom(10)
            server.sendto(data * 2, peer)
        for number, client in enumerate(clients):
            assert client.recv(10) == bytes([number, number])
            client.close()


def test_drop_frees_the_port(carrier: Carrier, echo: int) -> None:
    port = listen(carrier, echo)
    lingering = socket.create_connection(("::1", port))
    lingering.sendall(b"x")
    assert exchange(port, b"closed by the proxy first") == b"closed by the proxy first"
    carrier.drop("c1")
    carrier.settle()
    again = bind("tcp", "::1", port)
    assert again is not None
    carrier.listen("c2", "key", "tcp", again, ("127.0.0.1", echo))
    assert exchange(port, b"again") == b"again"
    lingering.close()
    with pytest.raises(OSError, match="Address already in use"):
        bind("tcp", "::1", port)


def test_a_new_daemon_finds_it_and_a_killed_one_is_replaced(
    carrier: Carrier, echo: int, tmp_path: Path
) -> None:
    port = listen(carrier, echo)
    listen(carrier, echo, id="gone")
    carrier.settle()
    carrier.close()
    after = Carrier(tmp_path)
    assert after.restore(["c1", "unknown"]) == {"c1"}
    assert exchange(port, b"still") == b"still"
    assert carrier.process is not None
    os.kill(carrier.process.pid, signal.SIGKILL)
    carrier.process.wait()
    other = listen(after, echo, id="c2")
    assert exchange(other, b"new") == b"new"
    assert after.restore(["c1", "c2"]) == {"c2"}  # the caller binds c1's ports again
    after.close()
    assert after.process is not None
    after.process.kill()
    after.process.wait()


def test_it_leaves_with_its_exec_root(carrier: Carrier, echo: int, tmp_path: Path) -> None:
    listen(carrier, echo)
    carrier.settle()
    process = carrier.process
    assert process is not None
    assert os.stat(tmp_path / "proxy.sock").st_mode & 0o777 == 0o600
    assert int((tmp_path / "proxy.pid").read_text()) == process.pid
    (tmp_path / "proxy.sock").unlink()
    assert process.wait(timeout=20) == 0


def test_it_holds_no_fds_of_ours(carrier: Carrier, echo: int) -> None:
    kept = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        listen(carrier, echo)
        carrier.settle()
    finally:
        os.close(kept)
    assert carrier.process is not None
    names = {
        os.readlink(f"/proc/{carrier.process.pid}/fd/{fd}")
        for fd in os.listdir(f"/proc/{carrier.process.pid}/fd")
    }
    assert "/etc/hostname" not in names
    assert all(n.startswith(("socket:", "anon_inode:", "/dev/null")) for n in names), names
