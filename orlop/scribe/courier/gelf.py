"""GELF 1.1: JSON messages, compressed and in chunks over UDP, ended by a NUL over TCP."""

from __future__ import annotations

import json
import os
import socket
import zlib
from typing import Any

from orlop.scribe.courier import wire
from orlop.scribe.parse import Entry

_INFO, _ERROR = 6, 3
_CHUNK = 1420  # bytes of a datagram
_HEAD = 12
_MOST = 128  # chunks of a message


class Gelf:
    max_retries = 1 << 62
    retry_wait = 0.1

    def __init__(self, job: dict[str, Any]) -> None:
        endpoint, info = job["endpoint"], job["info"]
        self._scheme: str = endpoint["scheme"]
        self._address: str = endpoint["address"]
        self._compression: str = endpoint["compression"]
        self._level: int = endpoint["level"]
        self._base = {
            "version": "1.1",
            "host": info["Hostname"],
            "_container_id": info["FullID"],
            "_container_name": info["Name"],
            "_image_id": info["ImageFullID"],
            "_image_name": info["ImageName"],
            "_command": info["Command"],
            "_tag": job["tag"],
            "_created": info["ContainerCreated"].replace(" +0000 UTC", "Z").replace(" ", "T"),
            **{f"_{k}": v for k, v in job["attrs"].items()},
        }
        self._sock: socket.socket | None = None

    def send(self, entries: list[Entry]) -> None:
        """Raises OSError."""
        stream = self._scheme == "tcp"
        if self._sock is not None and stream and wire.left(self._sock):
            self.close()
        if self._sock is None:
            connect = wire.connect_stream if stream else wire.connect_datagrams
            self._sock = connect(self._scheme, self._address)
        messages = [self.message(e) for e in entries if e.line]
        if stream:
            self._sock.sendall(b"".join(m + b"\0" for m in messages))
            return
        for message in messages:
            for data in self.datagrams(message):
                wire.datagram(self._sock, data)

    def message(self, entry: Entry) -> bytes:
        out = {
            **self._base,
            "short_message": entry.line.decode("utf-8", "replace"),
            "timestamp": entry.time_ns // 1_000_000 / 1000,
            "level": _ERROR if entry.source == "stderr" else _INFO,
        }
        return json.dumps(out, separators=(",", ":"), ensure_ascii=False).encode()

    def datagrams(self, message: bytes) -> list[bytes]:
        if self._compression != "none":
            form = 31 if self._compression == "gzip" else 15
            squeeze = zlib.compressobj(self._level, zlib.DEFLATED, form)
            message = squeeze.compress(message) + squeeze.flush()
        if len(message) <= _CHUNK:
            return [message]
        room = _CHUNK - _HEAD
        pieces = [message[at : at + room] for at in range(0, len(message), room)]
        if len(pieces) > _MOST:
            return []  # the format has no room for it
        head = b"\x1e\x0f" + os.urandom(8)
        return [head + bytes((n, len(pieces))) + piece for n, piece in enumerate(pieces)]

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
