"""A network laboratory: a host of our own (a network namespace), a neighbour behind its uplink, and
containers that are bare namespaces. The machine's own rules and links stay untouched.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from orlop.config import Config
from orlop.events import Events
from orlop.kernel import namespace, netlink
from orlop.network.attach import Attachment
from orlop.network.networks import Networks

T = TypeVar("T")

HOST4, NEIGHBOUR4 = "10.99.0.1", "10.99.0.2"
HOST6, NEIGHBOUR6 = "fd99::1", "fd99::2"


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


class Space:
    """A network namespace, kept by a sleeping process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo; exec sleep 300"], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.process.stdout.read(1)
        self.pid = self.process.pid
        self.fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)

    def run(self, action: Callable[[], T]) -> T:
        """`action` with this thread inside."""
        out: list[T] = []
        netlink.with_namespace(self.fd, lambda: out.append(action()))
        return out[0]

    def command(self, *words: str) -> str:
        return subprocess.run(
            ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        os.close(self.fd)


class Server:
    """Answers each connection or datagram with `word` and the peer's address as it saw it."""

    def __init__(
        self, space: Space, address: str, port: int, word: str, *, udp: bool = False
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        self.word, self.udp = word, udp
        self.sock = space.run(lambda: socket.socket(family, kind))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, port))
        self.seen: list[str] = []
        if not udp:
            self.sock.listen(16)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                if self.udp:
                    data, peer = self.sock.recvfrom(2048)
                    if not data:
                        return
                    self.seen.append(peer[0])
                    self.sock.sendto(f"{self.word} {peer[0]}".encode(), peer)
                else:
                    connection, peer = self.sock.accept()
                    self.seen.append(peer[0])
                    with connection:
                        connection.sendall(f"{self.word} {peer[0]}".encode())
            except OSError:
                return

    def close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def ask(address: str, port: int, *, udp: bool = False, timeout: float = 2.0) -> str:
    """What a server there answers. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(family, kind) as sock:
        sock.settimeout(timeout)
        sock.connect((address, port))
        if udp:
            sock.send(b"?")
        return sock.recv(200).decode()


def settle() -> None:
    """Asking for a link makes the kernel finish what its coming up began (linkwatch_sync_dev).
    A container's program starts late enough without.
    """
    for name in [link.name for link in netlink.links() if link.kind == "veth"]:
        subprocess.run(["ip", "link", "show", "dev", name], check=True, capture_output=True)


class Lab:
    """The host's namespace is the current thread's while the lab is open."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.neighbour = Space()
        self.spaces: list[Space] = [self.neighbour]
        self.servers: list[Server] = []
        self.opened: list[Networks] = []
        # A new namespace starts with what the machine's own has; ours starts as a plain host.
        netlink.run_ops([("up", "lo"), ("sysctl", "net/ipv4/ip_forward", "0")])
        subprocess.run(
            [*"ip link add uplink0 type veth peer name up1 netns".split(), str(self.neighbour.pid)],
            check=True,
        )
        for name, ip4, ip6, ns in (
            ("uplink0", HOST4, HOST6, None),
            ("up1", NEIGHBOUR4, NEIGHBOUR6, self.neighbour.fd),
        ):
            netlink.run_ops(
                [
                    ("up", "lo"),
                    ("address", name, packed(ip4), 24, b""),
                    ("address", name, packed(ip6), 64, b""),
                    ("up", name),
                ],
                netns=ns,
            )

    def networks(self, name: str = "a", **settings: Any) -> Networks:
        config = Config(
            data_root=self.tmp / name / "root", exec_root=self.tmp / name / "run", **settings
        )
        config.data_root.mkdir(parents=True, exist_ok=True)
        config.exec_root.mkdir(parents=True, exist_ok=True)
        networks = Networks(config, Events())
        self.opened.append(networks)
        return networks

    def container(
        self,
        networks: Networks,
        name: str,
        *,
        ports: dict[str, Any] | None = None,
        mode: str = "bridge",
        settings: dict[str, Any] | None = None,
        host: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
    ) -> tuple[Space, Attachment]:
        """Attach as the engine does: the daemon's part, the keeper's, the container's."""
        id = (name.encode().hex() + "0" * 64)[:64]
        attachment = networks.attach(
            id,
            name,
            id[:12],
            {"NetworkMode": mode, "PortBindings": ports or {}, **(host or {})},
            {"Networks": settings or {}},
            {"ExposedPorts": {key: {} for key in ports or {}}, **(config or {})},
        )
        space = Space()
        self.spaces.append(space)
        netlink.run_ops(attachment.host_ops, space.pid)
        netlink.run_ops(attachment.container_ops, netns=space.fd)
        settle()
        return space, attachment

    def serve(
        self, space: Space, port: int, word: str, *, udp: bool = False, address: str = "0.0.0.0"
    ) -> Server:
        server = Server(space, address, port, word, udp=udp)
        self.servers.append(server)
        return server

    def close(self) -> None:
        for server in self.servers:
            server.close()
        for networks in self.opened:
            for id in list(networks.sandboxes):
                networks.detach(id)
            networks.close()
            for process in (networks.carrier.process, networks.resolver.process):
                if process is not None:
                    process.kill()
                    process.wait()
        for space in self.spaces:
            space.close()


@contextmanager
def open_lab(tmp: Path) -> Iterator[Lab]:
    """Enter a fresh network namespace with this thread, and leave it again."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        namespace.unshare(namespace.CLONE_NEWNET)
        lab = None
        try:
            lab = Lab(tmp)
            yield lab
        finally:
            if lab is not None:
                lab.close()
            namespace.setns(before, namespace.CLONE_NEWNET)
    finally:
        os.close(before)
