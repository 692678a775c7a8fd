from __future__ import annotations

import socket
import threading

from orlop.kernel.outqueue import await_read, unread


def test_it_waits_until_the_peer_has_read() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        assert await_read(ours.fileno(), 0)
        for _ in range(200):
            ours.sendall(b"head")
            reader = threading.Thread(target=peer.recv, args=(100,))
            reader.start()
            assert await_read(ours.fileno(), 30)
            reader.join()
            assert not unread(ours.fileno())


def test_a_peer_that_does_not_read_is_waited_for_no_longer() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.sendall(b"head")
        assert not await_read(ours.fileno(), 0.01)


def test_a_peer_that_left_and_what_is_no_socket() -> None:
    ours, peer = socket.socketpair()
    with ours:
        ours.sendall(b"head")
        peer.close()
        assert await_read(ours.fileno(), 30)
    with open("/dev/null", "wb") as file:
        assert await_read(file.fileno(), 30)
