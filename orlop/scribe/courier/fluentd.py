"""Fluentd: one forward-protocol message (msgpack) for each record, acknowledged if asked for."""

from __future__ import annotations

import base64
import os
import socket
import struct
from typing import Any

from orlop.scribe.courier import wire
from orlop.scribe.parse import Entry


class Fluentd:
    def __init__(self, job: dict[str, Any]) -> None:
        endpoint = job["endpoint"]
        self._scheme: str = endpoint["scheme"]
        self._address: str = endpoint["address"]
        self._timeout: float = endpoint["write_timeout"] or wire.SEND
        self._fine: bool = endpoint["sub_second_precision"]
        self._ack: bool = endpoint["request_ack"]
        self.max_retries: int = endpoint["max_retries"]
        self.retry_wait: float = endpoint["retry_wait"]
        self._tag = pack(job["tag"])
        info = job["info"]
        self._base = {
            **job["attrs"],
            "container_id": info["FullID"],
            "container_name": info["ContainerName"],
        }
        self._sock: socket.socket | None = None

    def send(self, entries: list[Entry]) -> None:
        """Raises OSError."""
        if self._sock is not None and not self._ack and wire.left(self._sock):
            self.close()
        if self._sock is None:
            self._sock = wire.connect_stream(self._scheme, self._address, None, self._timeout)
        if not self._ack:
            self._sock.sendall(b"".join(self.message(e, "") for e in entries))
            return
        for entry in entries:
            chunk = base64.b64encode(os.urandom(16)).decode()
            self._sock.sendall(self.message(entry, chunk))
            self._await(self._sock, chunk)

    def message(self, entry: Entry, chunk: str) -> bytes:
        seconds, rest = divmod(entry.time_ns, 1_000_000_000)
        when = b"\xd7\x00" + struct.pack(">II", seconds, rest) if self._fine else pack(seconds)
        record: dict[str, Any] = {**self._base, "source": entry.source, "log": entry.line}
        if entry.partial is not None:
            name, ordinal, last = entry.partial
            record.update(
                partial_message="true",
                partial_id=name,
                partial_ordinal=str(ordinal),
                partial_last="true" if last else "false",
            )
        option = {"chunk": chunk} if chunk else {}
        return b"\x94" + self._tag + when + pack(record) + pack(option)

    def _await(self, sock: socket.socket, chunk: str) -> None:
        wanted = pack({"ack": chunk})
        got = b""
        while len(got) < len(wanted):
            data = sock.recv(len(wanted) - len(got))
            if not data:
                raise ConnectionResetError("no acknowledgement")
            got += data
        if got != wanted:
            raise ConnectionAbortedError("an acknowledgement of something else")

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def pack(value: Any) -> bytes:
    """msgpack of strings, bytes (as strings: logs need not be UTF-8), integers and maps of them."""
    if isinstance(value, int):
        if 0 <= value < 0x80:
            return bytes((value,))
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, dict):
        inside = b"".join(pack(k) + pack(v) for k, v in value.items())
        size = len(value)
        head = bytes((0x80 | size,)) if size < 16 else b"\xde" + struct.pack(">H", size)
        return head + inside
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    size = len(data)
    if size < 32:
        return bytes((0xA0 | size,)) + data
    if size < 0x100:
        return b"\xd9" + bytes((size,)) + data
    if size < 0x10000:
        return b"\xda" + struct.pack(">H", size) + data
    return b"\xdb" + struct.pack(">I", size) + data
