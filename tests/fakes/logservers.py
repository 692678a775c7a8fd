"""Servers that log drivers send to: syslog over UDP, TCP and TLS, fluentd, GELF, on loopback."""

from __future__ import annotations

import gzip
import json
import queue
import socket
import ssl
import struct
import subprocess
import threading
import zlib
from pathlib import Path
from typing import Any

PATIENCE = 20.0


class Datagrams:
    """`kind` "udp" or a path of a unix socket. `next` gives datagrams as they came."""

    def __init__(self, path: str = "") -> None:
        family = socket.AF_UNIX if path else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind(path or ("127.0.0.1", 0))
        self.sock.settimeout(PATIENCE)
        self.address = path or "{}:{}".format(*self.sock.getsockname())

    def next(self) -> bytes:
        return self.sock.recv(1 << 20)

    def gelf(self) -> dict[str, Any]:
        """The next GELF message, put together from its chunks and decompressed."""
        data = self.next()
        if data.startswith(b"\x1e\x0f"):
            pieces = {data[10]: data[12:]}
            total, name = data[11], data[2:10]
            while len(pieces) < total:
                more = self.next()
                assert more[2:10] == name
                pieces[more[10]] = more[12:]
            data = b"".join(pieces[n] for n in range(total))
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        elif data[:1] != b"{":
            data = zlib.decompress(data)
        message: dict[str, Any] = json.loads(data)
        return message

    def close(self) -> None:
        self.sock.close()


class Streams:
    """Accepts connections; what they send goes to `received` cut by `cut`, in order."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.sock = socket.create_server(("127.0.0.1", port))
        self.address = "{}:{}".format(*self.sock.getsockname())
        self.port = self.sock.getsockname()[1]
        self._context = context
        self.received: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            self.connections.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            with client, client.makefile("rb") as reader:
                self.read(client, reader)
        except OSError:
            client.close()

    def read(self, client: socket.socket, reader: Any) -> None:
        """Lines."""
        for line in reader:
            self.received.put(line)

    def next(self) -> Any:
        return self.received.get(timeout=PATIENCE)

    def drop(self) -> None:
        """Hang up on everybody and stop listening."""
        self.sock.shutdown(socket.SHUT_RDWR)  # else the thread that accepts keeps it open
        self.sock.close()
        for client in self.connections:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already; its thread closes it
        self.connections.clear()

    close = drop


class Fluent(Streams):
    """Gives (tag, time, record) and acknowledges what asks for it."""

    def read(self, client: socket.socket, reader: Any) -> None:
        while True:
            message = _unpack(reader)
            if message is None:
                return
            tag, when, record, option = message
            if option.get("chunk"):
                chunk = option["chunk"].encode()
                client.sendall(b"\x81\xa3ack" + bytes((0xA0 | len(chunk),)) + chunk)
            self.received.put((tag, when, record))


def _unpack(reader: Any) -> Any:
    """msgpack, as far as the forward protocol needs it; None at the end."""
    head = reader.read(1)
    if not head:
        return None
    kind = head[0]
    if kind < 0x80:
        return kind
    if kind & 0xF0 == 0x80:
        return {_unpack(reader): _unpack(reader) for _ in range(kind & 15)}
    if kind & 0xF0 == 0x90:
        return [_unpack(reader) for _ in range(kind & 15)]
    if kind & 0xE0 == 0xA0:
        return reader.read(kind & 31).decode()
    if kind in (0xD9, 0xDA, 0xDB):
        size = int.from_bytes(reader.read(1 << (kind - 0xD9)), "big")
        return reader.read(size).decode("utf-8", "replace")
    if kind == 0xCF:
        return struct.unpack(">Q", reader.read(8))[0]
    if kind == 0xD7:
        assert reader.read(1) == b"\0"
        return struct.unpack(">II", reader.read(8))
    raise AssertionError(f"msgpack {kind:#x}")


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """(CA file, server context) of a self-signed 127.0.0.1."""
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=t",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
